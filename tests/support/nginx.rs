//! nginx before the web service, as `docs/web.md` tells to write it: without TLS, on a loopback port of its own.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{documented, has_program, peer_or_skip, served};

pub struct Nginx {
    process: Child,
    folder: TempDir,
    pub port: u16,
}

impl Nginx {
    /// `None`: it is not there, and the test is skipped by name.
    pub fn before(test: &str, service: u16) -> Option<Nginx> {
        if !peer_or_skip(test, "nginx", program().is_some()) {
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        let port = served::free_port();
        let blocks = documented::blocks("docs/web.md");
        let server = documented::under(&blocks, "Behind a reverse proxy", "nginx")[0]
            .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{port};"))
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{service}"));
        assert!(server.contains(&port.to_string()) && server.contains(&service.to_string()), "{server}");
        let here = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {here}/{name};\n"))
            .collect();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log {here}/error.log;\nevents {{}}\n\
             http {{\n{temporary}{server}\n}}\n"
        );
        fs::write(folder.path().join("nginx.conf"), config).expect("its configuration");
        let process = Command::new(program().expect("nginx"))
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let mut nginx = Nginx { process, folder, port };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = nginx.process.try_wait().expect("a state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "nginx does not listen: {ended:?} {}",
                nginx.errors()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(nginx)
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian keeps it where only root looks.
fn program() -> Option<&'static str> {
    ["nginx", "/usr/sbin/nginx"].into_iter().find(|program| has_program(program, "-v"))
}
