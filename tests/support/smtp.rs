//! A mail server that does as it is told: for faults that no real one produces on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use tokio_rustls::rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

/// Who may come in, and by which password.
pub const USER: &str = "user";
pub const PASSWORD: &str = "correct horse";

/// A step of the conversation at which the server can be told what to do.
#[derive(Clone, Debug)]
pub enum Step {
    Greeting,
    Ehlo,
    Mail(String),
    Rcpt(String),
    Data,
    /// DATA was taken, and nothing of the body is read yet.
    BodyBegins {
        recipient: String,
    },
    /// The body is in; who sent it to whom.
    Body {
        recipient: String,
    },
    /// Any other command.
    Other(String),
}

/// What the server does at a step.
#[derive(Clone, Debug)]
pub enum Act {
    /// What a server usually does.
    Usual,
    /// Says this, and goes on. A body counts as received when it begins with 2.
    Say(String),
    /// Says this, whole lines or not, and closes.
    SayAndClose(String),
    /// Closes without a word.
    Close,
    /// Reads one line more, then closes without a word.
    ReadAndClose,
    /// Receives the body, then closes without a word.
    TakeAndClose,
    /// Says nothing for a while, then closes.
    Stall(Duration),
    /// Does what it usually does, after so long.
    Late(Duration),
    /// Says one byte after the other for so long, and never ends a line.
    Trickle(Duration),
    /// Says this, and drops all that it was told meanwhile.
    SayAndForget(String),
    /// Where more commands have come already: this. Otherwise, what a server usually does.
    Together(Box<Act>),
}

/// A letter that the server has taken.
#[derive(Clone, Debug)]
pub struct Received {
    pub sender: String,
    pub recipient: String,
    pub letter: String,
}

/// A line that the server was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub line: String,
    /// Inside TLS.
    pub secure: bool,
    /// More had come with it.
    pub more: bool,
}

type Orders = dyn Fn(&Step) -> Act + Send + Sync;

/// What the server is able to do.
#[derive(Clone)]
pub struct Abilities {
    pub offers: Vec<String>,
    pub tls: Option<Arc<ServerConfig>>,
    /// TLS from the first byte.
    pub implicit: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Abilities::offering(&["PIPELINING", "8BITMIME"])
    }
}

impl Abilities {
    pub fn offering(extensions: &[&str]) -> Abilities {
        let offers = extensions.iter().map(|one| one.to_string()).collect();
        Abilities { offers, tls: None, implicit: false }
    }
}

/// The server: it listens as long as the process lives.
#[derive(Clone)]
pub struct Peer {
    pub port: u16,
    abilities: Abilities,
    received: Arc<Mutex<Vec<Received>>>,
    heard: Arc<Mutex<Vec<Heard>>>,
    orders: Arc<Mutex<Arc<Orders>>>,
    connections: Arc<Mutex<usize>>,
    begun: Arc<Mutex<Vec<(String, Instant)>>>,
    resumed: Arc<Mutex<usize>>,
}

impl Peer {
    pub fn start(orders: impl Fn(&Step) -> Act + Send + Sync + 'static) -> Peer {
        Peer::able(Abilities::default(), orders)
    }

    pub fn able(abilities: Abilities, orders: impl Fn(&Step) -> Act + Send + Sync + 'static) -> Peer {
        Peer::on(TcpListener::bind("127.0.0.1:0").expect("a port"), abilities, orders)
    }

    /// At a port that was chosen before.
    pub fn on(
        listener: TcpListener,
        abilities: Abilities,
        orders: impl Fn(&Step) -> Act + Send + Sync + 'static,
    ) -> Peer {
        let peer = Peer {
            port: listener.local_addr().expect("its number").port(),
            abilities,
            received: Arc::default(),
            heard: Arc::default(),
            orders: Arc::new(Mutex::new(Arc::new(orders))),
            connections: Arc::default(),
            begun: Arc::default(),
            resumed: Arc::default(),
        };
        let server = peer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                *server.connections.lock().expect("a lock") += 1;
                std::thread::spawn(move || {
                    // An error is the client's going away.
                    let _ = server.serve(stream);
                });
            }
        });
        peer
    }

    /// From now on it does something else.
    pub fn order(&self, orders: impl Fn(&Step) -> Act + Send + Sync + 'static) {
        *self.orders.lock().expect("a lock") = Arc::new(orders);
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("a lock").clone()
    }

    /// Every line so far but the bodies'.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("a lock").clone()
    }

    /// The bodies that began, whole or not: for whom, and when the first line came.
    pub fn begun(&self) -> Vec<(String, Instant)> {
        self.begun.lock().expect("a lock").clone()
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("a lock")
    }

    /// How many of them took up an earlier one's TLS.
    pub fn resumed(&self) -> usize {
        *self.resumed.lock().expect("a lock")
    }

    fn act(&self, step: &Step, together: bool) -> Act {
        let orders = Arc::clone(&self.orders.lock().expect("a lock"));
        match orders(step) {
            Act::Together(act) if together => *act,
            Act::Together(_) => Act::Usual,
            act => act,
        }
    }

    /// Serves one connection until it ends.
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut line = Line::new(stream);
        let tls = self.abilities.tls.as_ref();
        if let (true, Some(config)) = (self.abilities.implicit, tls) {
            line = line.secure(config)?;
        }
        let (mut sender, mut recipient) = (String::new(), String::new());
        // Whether a body would reach anybody: a lone dot after refusals is none.
        let mut wanted = false;
        if !line.perform(&self.act(&Step::Greeting, false), "220 double.example.org ESMTP") {
            return Ok(());
        }
        loop {
            let said = self.hear(&mut line)?;
            let (step, usual) = match said.split_once(':') {
                Some((verb, rest)) if verb.eq_ignore_ascii_case("MAIL FROM") => {
                    sender = inside(rest);
                    (Step::Mail(sender.clone()), "250 2.1.0 ok".to_string())
                }
                Some((verb, rest)) if verb.eq_ignore_ascii_case("RCPT TO") => {
                    recipient = inside(rest);
                    (Step::Rcpt(recipient.clone()), "250 2.1.5 ok".to_string())
                }
                _ if said.to_uppercase().starts_with("EHLO") => (Step::Ehlo, self.offers(line.secure)),
                _ if said.eq_ignore_ascii_case("DATA") => (Step::Data, "354 go on".to_string()),
                _ if said.eq_ignore_ascii_case("QUIT") => (Step::Other(said.clone()), "221 2.0.0 bye".to_string()),
                _ => (Step::Other(said.clone()), "250 2.0.0 ok".to_string()),
            };
            let act = self.act(&step, line.has_more());
            if let (Act::Usual, true) = (&act, said.starts_with("AUTH ")) {
                self.authenticate(&mut line, &said)?;
                continue;
            }
            if let (Act::Usual, "STARTTLS", Some(config)) = (&act, said.as_str(), tls) {
                line.say("220 2.0.0 ready\r\n")?;
                line = line.secure(config)?;
                continue;
            }
            if !line.perform(&act, &usual) {
                return Ok(());
            }
            if matches!(step, Step::Mail(_) | Step::Rcpt(_)) {
                let refused = matches!(&act, Act::Say(words) | Act::SayAndForget(words) if !words.starts_with('2'));
                wanted = matches!(step, Step::Rcpt(_)) && !refused;
            }
            let asked_for_body = match (&step, &act) {
                (Step::Data, Act::Usual | Act::Late(_)) => true,
                (_, Act::Say(words)) => words.starts_with("354"),
                _ => false,
            };
            if asked_for_body && !self.take(&mut line, &sender, &recipient, wanted)? {
                return Ok(());
            }
        }
    }

    /// Takes a body; whether the connection goes on.
    fn take(&self, line: &mut Line, sender: &str, recipient: &str, wanted: bool) -> std::io::Result<bool> {
        let (sender, recipient) = (sender.to_string(), recipient.to_string());
        let begins = self.act(&Step::BodyBegins { recipient: recipient.clone() }, false);
        if !matches!(begins, Act::Usual) && !line.perform(&begins, "") {
            return Ok(false);
        }
        let letter = line.body(|| {
            if wanted {
                self.begun.lock().expect("a lock").push((recipient.clone(), Instant::now()));
            }
        })?;
        let act = self.act(&Step::Body { recipient: recipient.clone() }, line.has_more());
        let taken = match &act {
            Act::Usual | Act::TakeAndClose | Act::Late(_) => true,
            Act::Say(words) | Act::SayAndForget(words) => words.starts_with("250 "),
            Act::SayAndClose(words) => words.starts_with("250 ") && words.contains('\n'),
            _ => false,
        };
        // A letter to nobody would be a fault of the client: it is shown.
        if taken && (wanted || !letter.is_empty()) {
            self.received.lock().expect("a lock").push(Received { sender, recipient, letter });
        }
        Ok(line.perform(&act, "250 2.0.0 taken"))
    }

    fn hear(&self, line: &mut Line) -> std::io::Result<String> {
        let said = line.read_line()?;
        if said.starts_with("MAIL") && line.is_resumed() {
            *self.resumed.lock().expect("a lock") += 1;
        }
        let heard = Heard { line: said.clone(), secure: line.secure, more: line.has_more() };
        self.heard.lock().expect("a lock").push(heard);
        Ok(said)
    }

    fn offers(&self, secure: bool) -> String {
        let mut lines = vec!["double.example.org".to_string()];
        lines.extend(self.abilities.offers.iter().cloned());
        if self.abilities.tls.is_some() && !secure {
            lines.push("STARTTLS".to_string());
        }
        let last = lines.len() - 1;
        let marked =
            lines.iter().enumerate().map(|(n, line)| format!("250{}{line}", if n == last { ' ' } else { '-' }));
        marked.collect::<Vec<_>>().join("\r\n")
    }

    /// PLAIN and LOGIN with their password, XOAUTH2 with the password as its token.
    fn authenticate(&self, line: &mut Line, said: &str) -> std::io::Result<()> {
        let mut words = said.split(' ').skip(1);
        let (mechanism, initial) = (words.next().unwrap_or_default(), words.next());
        let decode = |text: &str| String::from_utf8(BASE64.decode(text.as_bytes()).unwrap_or_default());
        let answer = |line: &mut Line, challenge: &str| -> std::io::Result<String> {
            line.say(&format!("334 {}\r\n", BASE64.encode(challenge.as_bytes())))?;
            let said = self.hear(line)?;
            Ok(decode(&said).unwrap_or_default())
        };
        let right = match mechanism {
            "PLAIN" | "XOAUTH2" => {
                let response = match initial {
                    Some(initial) => decode(initial).unwrap_or_default(),
                    None => answer(line, "")?,
                };
                if mechanism == "PLAIN" {
                    response == format!("\0{USER}\0{PASSWORD}")
                } else if response == format!("user={USER}\x01auth=Bearer {PASSWORD}\x01\x01") {
                    true
                } else {
                    // The client must ask for the refusal itself.
                    assert_eq!(answer(line, "{\"status\":\"401\"}")?, "");
                    false
                }
            }
            "LOGIN" => answer(line, "User please:")? == USER && answer(line, "Secret please:")? == PASSWORD,
            _ => return line.say("504 5.5.4 unknown\r\n"),
        };
        line.say(if right { "235 2.7.0 welcome\r\n" } else { "535 5.7.8 no\r\n" })
    }
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Stream::Clear(stream) => stream.read(into),
            Stream::Tls(stream) => stream.read(into),
        }
    }
}

/// One connection, from the server's side.
struct Line {
    stream: BufReader<Stream>,
    secure: bool,
}

impl Line {
    fn new(stream: TcpStream) -> Line {
        Line { stream: BufReader::with_capacity(65_536, Stream::Clear(stream)), secure: false }
    }

    fn secure(self, config: &Arc<ServerConfig>) -> std::io::Result<Line> {
        let Stream::Clear(stream) = self.stream.into_inner() else { panic!("TLS inside TLS") };
        let connection = ServerConnection::new(Arc::clone(config)).expect("a configuration that fits");
        let stream = Stream::Tls(Box::new(StreamOwned::new(connection, stream)));
        Ok(Line { stream: BufReader::with_capacity(65_536, stream), secure: true })
    }

    fn say(&mut self, words: &str) -> std::io::Result<()> {
        match self.stream.get_mut() {
            Stream::Clear(stream) => stream.write_all(words.as_bytes()),
            Stream::Tls(stream) => stream.write_all(words.as_bytes()).and_then(|()| stream.flush()),
        }
    }

    fn is_resumed(&self) -> bool {
        match self.stream.get_ref() {
            Stream::Clear(_) => false,
            Stream::Tls(stream) => stream.conn.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    fn has_more(&self) -> bool {
        !self.stream.buffer().is_empty()
    }

    fn read_line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_string())
    }

    /// Reads a letter up to its dot; tells when its first line has come.
    fn body(&mut self, begins: impl FnOnce()) -> std::io::Result<String> {
        let mut letter = String::new();
        let mut begins = Some(begins);
        loop {
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(begins) = begins.take() {
                begins();
            }
            let line = String::from_utf8_lossy(&line);
            if line == ".\r\n" {
                return Ok(letter);
            }
            letter.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
    }

    /// Does as told; whether the connection goes on.
    fn perform(&mut self, act: &Act, usual: &str) -> bool {
        match act {
            Act::Usual => self.say(&format!("{usual}\r\n")).is_ok(),
            Act::Say(words) => self.say(&format!("{words}\r\n")).is_ok(),
            Act::SayAndClose(words) => {
                let _ = self.say(words);
                false
            }
            Act::Close | Act::TakeAndClose => false,
            Act::ReadAndClose => {
                let _ = self.read_line();
                false
            }
            Act::Stall(time) => {
                std::thread::sleep(*time);
                false
            }
            Act::Late(time) => {
                std::thread::sleep(*time);
                self.say(&format!("{usual}\r\n")).is_ok()
            }
            Act::Trickle(time) => {
                let end = Instant::now() + *time;
                let mut going = self.say("250").is_ok();
                while going && Instant::now() < end {
                    std::thread::sleep(Duration::from_millis(20));
                    going = self.say("-").is_ok();
                }
                false
            }
            Act::SayAndForget(words) => {
                let more = self.stream.buffer().len();
                self.stream.consume(more);
                self.say(&format!("{words}\r\n")).is_ok()
            }
            Act::Together(_) => panic!("decided before"),
        }
    }
}

fn inside(text: &str) -> String {
    let text = text.trim_start().strip_prefix('<').unwrap_or(text);
    // A quoted local part may hold a `>`.
    let mut quoted = false;
    let mut escaped = false;
    let end = text.find(|c| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            '>' if !quoted => return true,
            _ => {}
        }
        false
    });
    text.get(..end.unwrap_or(text.len())).unwrap_or_default().to_string()
}
