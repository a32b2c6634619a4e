//! A mail server that does as it is told: for faults that no real one produces on demand.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A step of the conversation at which the server can be told what to do.
#[derive(Clone, Debug)]
pub enum Step {
    Greeting,
    Ehlo,
    Mail(String),
    Rcpt(String),
    Data,
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
    /// Receives the body, then closes without a word.
    TakeAndClose,
    /// Says nothing for a while, then closes.
    Stall(Duration),
}

/// A letter that the server has taken.
#[derive(Clone, Debug)]
pub struct Received {
    pub sender: String,
    pub recipient: String,
    pub letter: String,
}

type Orders = dyn Fn(&Step) -> Act + Send + Sync;

/// The server: it listens as long as the process lives.
#[derive(Clone)]
pub struct Peer {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    orders: Arc<Mutex<Arc<Orders>>>,
    connections: Arc<Mutex<usize>>,
}

impl Peer {
    pub fn start(orders: impl Fn(&Step) -> Act + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let peer = Peer {
            port: listener.local_addr().expect("its number").port(),
            received: Arc::default(),
            orders: Arc::new(Mutex::new(Arc::new(orders))),
            connections: Arc::default(),
        };
        let server = peer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                *server.connections.lock().expect("a lock") += 1;
                std::thread::spawn(move || server.serve(stream));
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

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("a lock")
    }

    fn act(&self, step: &Step) -> Act {
        let orders = Arc::clone(&self.orders.lock().expect("a lock"));
        orders(step)
    }

    /// Serves one connection until it ends; an error is the client's going away.
    fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Ok(mut writer) = stream.try_clone() else { return };
        let mut reader = BufReader::new(stream);
        let (mut sender, mut recipient) = (String::new(), String::new());
        if !self.answer(&mut writer, &Step::Greeting, "220 double.example.org ESMTP") {
            return;
        }
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            let (step, usual) = match line.split_once(':') {
                Some((verb, rest)) if verb.eq_ignore_ascii_case("MAIL FROM") => {
                    sender = inside(rest);
                    (Step::Mail(sender.clone()), "250 2.1.0 ok")
                }
                Some((verb, rest)) if verb.eq_ignore_ascii_case("RCPT TO") => {
                    recipient = inside(rest);
                    (Step::Rcpt(recipient.clone()), "250 2.1.5 ok")
                }
                _ if line.to_uppercase().starts_with("EHLO") => {
                    (Step::Ehlo, "250-double.example.org\r\n250-PIPELINING\r\n250 8BITMIME")
                }
                _ if line.eq_ignore_ascii_case("DATA") => (Step::Data, "354 go on"),
                _ if line.eq_ignore_ascii_case("QUIT") => (Step::Other(line.to_string()), "221 2.0.0 bye"),
                _ => (Step::Other(line.to_string()), "250 2.0.0 ok"),
            };
            let data = matches!(step, Step::Data);
            if !self.answer(&mut writer, &step, usual) {
                return;
            }
            if data && matches!(self.act(&Step::Data), Act::Usual) {
                let Some(letter) = body(&mut reader) else { return };
                let step = Step::Body { recipient: recipient.clone() };
                let act = self.act(&step);
                let taken = match &act {
                    Act::Usual | Act::TakeAndClose => true,
                    Act::Say(words) => words.starts_with('2'),
                    _ => false,
                };
                if taken {
                    let (sender, recipient) = (sender.clone(), recipient.clone());
                    self.received.lock().expect("a lock").push(Received { sender, recipient, letter });
                }
                if !perform(&mut writer, &act, "250 2.0.0 taken") {
                    return;
                }
            }
        }
    }

    fn answer(&self, writer: &mut TcpStream, step: &Step, usual: &str) -> bool {
        perform(writer, &self.act(step), usual)
    }
}

/// Does as told; whether the connection goes on.
fn perform(writer: &mut TcpStream, act: &Act, usual: &str) -> bool {
    let say = |writer: &mut TcpStream, words: &str| writer.write_all(words.as_bytes()).is_ok();
    match act {
        Act::Usual => say(writer, &format!("{usual}\r\n")),
        Act::Say(words) => say(writer, &format!("{words}\r\n")),
        Act::SayAndClose(words) => {
            say(writer, words);
            false
        }
        Act::Close | Act::TakeAndClose => false,
        Act::Stall(time) => {
            std::thread::sleep(*time);
            false
        }
    }
}

fn inside(text: &str) -> String {
    text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(inside, _)| inside).to_string()
}

fn body(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut letter = String::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&line);
        if line == ".\r\n" {
            return Some(letter);
        }
        letter.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
