//! A Postfix of its own for one test: in a folder and on ports of its own, delivering into a Maildir.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{has_program, is_root, peer_or_skip};

pub struct Postfix {
    folder: tempfile::TempDir,
    /// Plain, with STARTTLS offered.
    pub port: u16,
    /// TLS from the first byte.
    pub tls_port: u16,
}

impl Postfix {
    /// Starts one, or says why the test is skipped. `more` is added to its main.cf.
    pub fn start(test: &str, more: &str) -> Option<Postfix> {
        Postfix::start_in(test, &std::env::temp_dir(), more)
    }

    /// One that takes letters as fast as it can and keeps each in its queue, in memory where the machine has room for that.
    pub fn start_keeping(test: &str) -> Option<Postfix> {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let more = "smtpd_client_restrictions = check_client_access static:HOLD\nin_flow_delay = 0\nqueue_minfree = 0\n\
                    smtpd_peername_lookup = no\nsmtpd_tls_security_level = none";
        Postfix::start_in(test, &folder, more)
    }

    fn start_in(test: &str, folder: &Path, more: &str) -> Option<Postfix> {
        if !peer_or_skip(test, "postfix", has_program("postconf", "-d")) {
            return None;
        }
        if !is_root() {
            println!("skipped: {test} needs postfix (root)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("crieur-postfix").tempdir_in(folder).expect("a folder");
        let postfix = Postfix { folder, port: free_port(), tls_port: free_port() };
        postfix.configure(more);
        let started = Command::new("postfix").arg("-c").arg(postfix.path("conf")).arg("start").output();
        let started = started.expect("postfix runs");
        assert!(started.status.success(), "{}{}", String::from_utf8_lossy(&started.stderr), postfix.log());
        let deadline = Instant::now() + Duration::from_secs(15);
        while std::net::TcpStream::connect(("127.0.0.1", postfix.port)).is_err() {
            assert!(Instant::now() < deadline, "postfix does not listen: {}", postfix.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(postfix)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everybody's Maildir.
    pub fn maildir(&self) -> PathBuf {
        self.path("boxes/all")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log/mail.log")).unwrap_or_default()
    }

    /// A `sendmail` that hands letters to this Postfix.
    pub fn sendmail(&self) -> PathBuf {
        let path = self.path("sendmail");
        let script = format!("#!/bin/sh\nexec sendmail -C {} \"$@\"\n", self.path("conf").display());
        fs::write(&path, script).expect("a script");
        make_executable(&path);
        path
    }

    /// The letters that have arrived, once there are so many.
    pub fn letters(&self, expected: usize) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let entries = fs::read_dir(self.maildir().join("new")).map(|entries| entries.flatten().collect());
            let entries: Vec<fs::DirEntry> = entries.unwrap_or_default();
            if entries.len() >= expected {
                return entries.iter().map(|entry| fs::read(entry.path()).expect("a letter")).collect();
            }
            assert!(Instant::now() < deadline, "{} of {expected} letters: {}", entries.len(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What [`Postfix::start_keeping`]'s has taken, whether its answer arrived or not: recipient and Message-ID. Its queue file is put
    /// in its place only when the letter is whole.
    pub fn kept(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.path("queue/hold")).expect("the queue");
        let files = entries.map(|entry| fs::read(entry.expect("an entry").path()).expect("a letter"));
        files.map(|file| (record(&file, "R"), record(&file, "NMessage-ID: "))).collect()
    }

    fn configure(&self, more: &str) {
        for folder in ["conf", "queue", "data", "boxes", "log"] {
            fs::create_dir(self.path(folder)).expect("a folder");
        }
        let shell = |script: &str| {
            let done = Command::new("sh").arg("-ec").arg(script).current_dir(self.folder.path()).output();
            let done = done.expect("sh runs");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        shell("chmod 755 . ; chown postfix data; chown nobody boxes");
        // An authority of its own, and a certificate that it gave to this server.
        shell(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj '/CN=Test authority' 2>/dev/null
             openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj '/CN=localhost' 2>/dev/null
             printf 'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n' > ext
             openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem 2>/dev/null",
        );
        let daemons = Command::new("postconf").args(["-dh", "daemon_directory"]).output().expect("postconf runs");
        let daemons = String::from_utf8_lossy(&daemons.stdout).trim().to_string();
        let here = self.folder.path().display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {here}/queue\ndata_directory = {here}/data\n\
             command_directory = /usr/sbin\ndaemon_directory = {daemons}\nmail_owner = postfix\nsetgid_group = postdrop\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mx.example.org\nmynetworks = 127.0.0.0/8\n\
             mydestination =\nalias_maps =\nvirtual_mailbox_domains = example.org\nvirtual_mailbox_base = {here}/boxes\n\
             virtual_mailbox_maps = static:all/\nvirtual_minimum_uid = 1\nvirtual_uid_maps = static:65534\n\
             virtual_gid_maps = static:65534\nmaillog_file = {here}/log/mail.log\nmaillog_file_prefixes = {here}\n\
             smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {here}/server.pem\nsmtpd_tls_key_file = {here}/server.key\n\
             smtputf8_enable = yes\nsmtpd_client_connection_count_limit = 0\n{more}\n"
        );
        fs::write(self.path("conf/main.cf"), main).expect("main.cf");
        let (port, tls_port) = (self.port, self.tls_port);
        let master = format!(
            "127.0.0.1:{port} inet n - n - - smtpd\n\
             127.0.0.1:{tls_port} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n\
             pickup unix n - n 1 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
             trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nproxymap unix - - n - - proxymap\n\
             error unix - - n - - error\nretry unix - - n - - error\nvirtual unix - n n - - virtual\n\
             anvil unix - - n - 1 anvil\ntlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n"
        );
        fs::write(self.path("conf/master.cf"), master).expect("master.cf");
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = Command::new("postfix").arg("-c").arg(self.path("conf")).arg("stop").output();
    }
}

/// The first record of a queue file that begins so: its kind, its length (seven bits a byte, the last without the eighth), its text.
fn record(file: &[u8], beginning: &str) -> String {
    let (kind, text) = beginning.split_at(1);
    let mut rest = file;
    while let Some((first, after)) = rest.split_first() {
        let mut length = 0;
        let mut bytes = after.iter();
        for (place, byte) in bytes.by_ref().enumerate() {
            length |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (content, next) = bytes.as_slice().split_at(length.min(bytes.as_slice().len()));
        let content = String::from_utf8_lossy(content);
        if kind.as_bytes() == [*first] && content.starts_with(text) {
            return content[text.len()..].to_string();
        }
        rest = next;
    }
    panic!("no {beginning} in a letter of the queue")
}

pub fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port()
}
