//! Sympa, the list server of many administrations, for one test: Debian's package and its Perl modules, unpacked, not
//! installed, and run where they alone see themselves laid over the system.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::layered::Layered;
use super::postfix::make_executable;

/// A Sympa for `lists.example.org`, in a folder of its own. What it sends stays in a folder of the test's.
pub struct Sympa {
    layered: Layered,
}

/// A message that Sympa gave to its mail server.
#[derive(Clone, Debug)]
pub struct Passed {
    /// The envelope's.
    pub sender: String,
    pub recipients: Vec<String>,
    pub letter: String,
}

/// Who Sympa is in its namespace.
const USER: &str = "913";

/// What the package's own installation does, and the two daemons that a letter goes through. SIGTERM ends them.
const SCRIPT: &str = r#"
echo 'sympa:x:913:913::/var/lib/sympa:/bin/false' >> /etc/passwd
echo 'sympa:x:913:' >> /etc/group
mount -t tmpfs tmpfs /run
mkdir /run/sympa
cp "$HERE/sympa.conf" /etc/sympa/sympa/sympa.conf
chown -R sympa:sympa /run/sympa /etc/sympa /etc/mail/sympa /var/lib/sympa /var/spool/sympa "$HERE/out"
# In place of the subshell, so that what is ended is the daemon.
as() { exec setpriv --reuid 913 --regid 913 --clear-groups "$@"; }
(as /usr/lib/sympa/bin/sympa check)
touch "$HERE/entered"
as /usr/lib/sympa/bin/sympa_msg.pl --foreground & msg=$!
as /usr/lib/sympa/bin/bulk.pl --foreground & bulk=$!
trap 'kill $msg $bulk' TERM
wait $msg
wait $bulk
"#;

const SENDMAIL: &str = r#"#!/bin/sh
# Sympa calls it as `sendmail OPTIONS -f SENDER -- RECIPIENT…`, with the message on standard input.
file=$(mktemp "$(dirname "$0")/out/XXXXXXXX")
{ echo "$*"; cat; } > "$file"
mv "$file" "$file.eml"
"#;

impl Sympa {
    /// `None`: it is not there, or nobody may run it, and the test that asks is skipped.
    pub fn start(test: &str) -> Option<Sympa> {
        let layered = Layered::prepare(test, "sympa", "usr/lib/sympa/bin/sympa_msg.pl", &["out"])?;
        let (here, folder) = (layered.path(), layered.folder());
        let config = format!(
            "domain lists.example.org\nlistmaster listmaster@example.org\nlang fr\nsupported_lang fr,en\n\
             db_type SQLite\ndb_name /var/lib/sympa/sympa.sqlite\nsendmail {here}/sendmail\nsendmail_aliases none\n\
             wwsympa_url https://lists.example.org/sympa\nsleep 1\nbulk_sleep 1\n"
        );
        fs::write(folder.join("sympa.conf"), config).expect("sympa.conf");
        fs::write(folder.join("sendmail"), SENDMAIL).expect("sendmail");
        make_executable(&folder.join("sendmail"));
        let sympa = Sympa { layered: layered.run(SCRIPT) };
        sympa.wait("it starts", || {
            sympa.layered.folder().join("entered").is_file() && sympa.log().matches(" Started").count() == 2
        });
        Some(sympa)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.layered.folder().join("output")).unwrap_or_default()
    }

    /// Makes a list as its owner would on Sympa's pages: a newsletter's, whose editor and owner is one address. `change` is
    /// a `sed` script on the list's configuration; more of it follows.
    pub fn list(&self, name: &str, editor: &str, change: &str, more: &str, members: &[&str]) {
        let xml = self.layered.folder().join(format!("{name}.xml"));
        let text = format!(
            "<?xml version=\"1.0\"?><list><listname>{name}</listname><type>news-letter</type><subject>La lettre</subject>\
             <description>Les nouvelles</description><status>open</status><topics>computing</topics><language>fr</language>\
             <owner multiple=\"1\"><email>{editor}</email></owner><editor multiple=\"1\"><email>{editor}</email></editor></list>"
        );
        fs::write(&xml, text).expect("a list");
        let xml = xml.to_str().expect("a path");
        let program = "/usr/lib/sympa/bin/sympa";
        self.inside(&[program, "create", &format!("--input_file={xml}"), "lists.example.org"], b"");
        let config = format!("/var/lib/sympa/list_data/{name}/config");
        self.inside(&["sed", "-i", change, &config], b"");
        self.inside(&["tee", "-a", &config], format!("\n{more}\n").as_bytes());
        let people: String = members.iter().map(|member| format!("{member}\n")).collect();
        self.inside(&[program, "add", &format!("{name}@lists.example.org")], people.as_bytes());
    }

    /// Puts a file into a list's folder: what stands at the foot of its letters, say.
    pub fn list_file(&self, list: &str, file: &str, content: &str) {
        self.inside(&["tee", &format!("/var/lib/sympa/list_data/{list}/{file}")], content.as_bytes());
    }

    /// What a mail server's alias does with a message for a list: it goes into Sympa's program on standard input, its
    /// envelope's sender above it.
    pub fn receive(&self, list: &str, sender: &str, letter: &str) {
        let letter = format!("Return-Path: <{sender}>\n{}", letter.replace("\r\n", "\n"));
        self.inside(&["/usr/lib/sympa/bin/queue", list], letter.as_bytes());
    }

    /// What Sympa has sent and `wanted` picks, once they are so many.
    pub fn passed(&self, wanted: impl Fn(&Passed) -> bool, count: usize) -> Vec<Passed> {
        let picked = || self.all().into_iter().filter(|passed| wanted(passed)).collect::<Vec<_>>();
        self.wait("it sends", || picked().len() >= count);
        let picked = picked();
        assert_eq!(picked.len(), count, "{picked:#?}");
        picked
    }

    /// Everything that it has sent so far.
    pub fn all(&self) -> Vec<Passed> {
        let entries = fs::read_dir(self.layered.folder().join("out")).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
        paths.sort();
        paths.iter().map(|path| read(path)).collect()
    }

    /// Waits until its log says this so often.
    pub fn wait_for(&self, words: &str, count: usize) {
        self.wait(words, || self.log().matches(words).count() >= count);
    }

    fn wait(&self, what: &str, is: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is() {
            assert!(Instant::now() < deadline, "{what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs a program where Sympa is, as its user.
    fn inside(&self, command: &[&str], input: &[u8]) {
        let mut child = Command::new("nsenter")
            .args(["--target", &self.layered.id().to_string(), "--mount"])
            .args(["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nsenter runs");
        child.stdin.take().expect("its input").write_all(input).expect("it reads");
        let out = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{command:?}: {said}");
    }
}

fn read(path: &Path) -> Passed {
    let bytes = fs::read(path).expect("a message");
    let text = String::from_utf8_lossy(&bytes);
    let (arguments, letter) = text.split_once('\n').expect("arguments above a message");
    let (options, recipients) = arguments.split_once(" -- ").expect("recipients");
    let sender = options.split_once("-f ").map(|(_, sender)| sender.trim().to_string()).expect("a sender");
    let recipients = recipients.split_whitespace().map(str::to_string).collect();
    Passed { sender, recipients, letter: letter.to_string() }
}
