//! `crieur serve`, running, and requests to it byte by byte: what a client library would mend must be seen.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::project::Project;

/// The service, until it is dropped.
pub struct Served {
    process: Child,
    pub port: u16,
    said: Arc<Mutex<String>>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Got {
    /// A field of the header; empty: it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What stands between two texts of the body.
    pub fn between(&self, before: &str, after: &str) -> String {
        let text = self.text();
        let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("{before}: {text}"));
        rest.split(after).next().unwrap_or_default().to_string()
    }
}

/// A port that nobody has.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its number").port()
}

impl Served {
    /// Starts it where the configuration says.
    pub fn of(project: &Project) -> Served {
        Served::by(project.command(&["-v", "serve"]))
    }

    pub fn by(mut command: Command) -> Served {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let said: Arc<Mutex<String>> = Arc::default();
        let (mut errors, heard) = (process.stderr.take().expect("its words"), said.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut bytes) {
                heard.lock().expect("words").push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        let mut url = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut url).expect("a line");
        let port = url.trim().trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{url}{}", said.lock().expect("words")));
        Served { process, port, said }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, path.trim_start_matches('/'))
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().expect("words").clone()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a bound");
        stream
    }

    /// A connection for several requests.
    pub fn converse(&self) -> Conversation {
        Conversation(BufReader::new(self.connect()))
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        self.ask("GET", path, headers, b"")
    }

    /// Posts a body of this media type.
    pub fn post(&self, path: &str, media_type: &str, body: &str) -> Got {
        self.ask("POST", path, &[("Content-Type", media_type)], body.as_bytes())
    }

    /// Does what a mail provider does for its reader (RFC 8058).
    pub fn one_click(&self, path: &str) -> Got {
        self.post(path, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let mut stream = self.connect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: lettre.example.org\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        // Whoever refuses early may close early.
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
        read(stream)
    }

    /// Asks it to stop, and waits: its exit status.
    pub fn stop(&mut self) -> Option<i32> {
        self.terminate();
        let deadline = Instant::now() + Duration::from_secs(40);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.process.try_wait() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not stop");
    }

    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Has it read its configuration anew.
    pub fn reload(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, which: &str) {
        let sent = Command::new("kill").args([which, &self.number().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Its process's.
    pub fn number(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as a power cut would, in the middle of whatever it does.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Waits until it has said this.
    pub fn says(&self, words: &str) {
        self.says_times(words, 1);
    }

    /// Waits until it has said this so many times.
    pub fn says_times(&self, words: &str, times: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.said().matches(words).count() < times {
            assert!(Instant::now() < deadline, "it does not say {words:?}: {}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Several requests over one connection.
pub struct Conversation(BufReader<TcpStream>);

impl Conversation {
    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: lettre.example.org\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.0.get_mut().write_all(&[head.as_bytes(), body].concat()).expect("somebody who listens");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).expect("an answer") > 0, "it hangs up after {head:?}");
        }
        let (status, headers) = head_of(&head);
        let mut got = Got { status, headers, body: Vec::new() };
        got.body = vec![0; got.header("content-length").parse().unwrap_or(0)];
        self.0.read_exact(&mut got.body).expect("a whole body");
        got
    }
}

fn head_of(head: &str) -> (u16, Vec<(String, String)>) {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    (status, headers)
}

/// Reads an answer to its end.
pub fn read(mut stream: TcpStream) -> Got {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (status, headers) = head_of(&head);
    Got { status, headers, body: bytes.get(end + 4..).unwrap_or_default().to_vec() }
}
