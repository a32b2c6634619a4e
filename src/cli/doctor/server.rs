//! The mail server: whether it answers, what it offers, and whether it takes TLS and our password.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{Finding, State};
use crate::config::{Config, Transport};
use crate::mail::maildir::Maildir;
use crate::mail::transport::{Environment, Route};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at where letters go.
pub async fn look(config: &Config) -> Vec<Finding> {
    let subject = "mail server";
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(why) => return vec![Finding::new(subject, State::Error, why)],
    };
    let route = match Route::new(&config.root, &config.mail, &environment) {
        Ok(route) => route,
        Err(why) => return vec![Finding::new(subject, State::Error, why)],
    };
    match &config.mail.transport {
        Transport::Maildir(folder) => vec![match Maildir::open(&config.root.join(folder)) {
            Ok(_) => Finding::new(subject, State::Ok, format!("none: letters stay in the Maildir {folder}")),
            Err(why) => Finding::new(subject, State::Error, why.words()),
        }],
        Transport::Sendmail => {
            let program = environment.sendmail.unwrap_or_else(|| "/usr/sbin/sendmail".into());
            vec![if program.is_file() {
                Finding::new(subject, State::Ok, format!("letters go to {}", program.display()))
            } else {
                let message = format!("there is no {}", program.display());
                Finding::new(subject, State::Error, message)
                    .help("install a mail server, or name one: `transport: smtp://HOST:587`")
            }]
        }
        Transport::Smtp { host, port } => {
            let place = format!("{}:{port}", host.trim_matches(['[', ']']));
            match greet(&place) {
                Ok(offered) => {
                    let mut findings = vec![Finding::new(subject, State::Ok, offered.in_words(&place))];
                    findings.extend(offered.lacks());
                    findings.push(open(&route, &place, config).await);
                    findings
                }
                Err(why) => {
                    let finding = Finding::new(subject, State::Error, format!("{place}: {why}"));
                    vec![finding.help("look whether it runs, and whether a firewall lets this machine reach it")]
                }
            }
        }
        Transport::Smtps { host, port } => {
            vec![open(&route, &format!("{}:{port}", host.trim_matches(['[', ']'])), config).await]
        }
    }
}

/// Opens a connection as a delivery does: TLS as the configuration asks, then the password.
async fn open(route: &Route, place: &str, config: &Config) -> Finding {
    let subject = "mail server";
    match tokio::time::timeout(PATIENCE * 3, route.open()).await {
        Ok(Ok(carrier)) => {
            carrier.close().await;
            let user = config.mail.user.as_deref();
            let user = user.map_or("no user is named".to_string(), |user| format!("it takes {user}'s password"));
            Finding::new(subject, State::Ok, format!("{place}: a connection for letters opens, and {user}"))
        }
        Ok(Err(fault)) => {
            let help = "`mail.tls`, `mail.user` and CRIEUR_SMTP_PASSWORD decide how letters are handed over";
            Finding::new(subject, State::Error, fault.words().to_string()).help(help)
        }
        Err(_) => Finding::new(
            subject,
            State::Error,
            format!("{place}: no answer within {} seconds", 3 * PATIENCE.as_secs()),
        ),
    }
}

/// What a server says of itself in the clear.
struct Offered {
    name: String,
    extensions: Vec<String>,
}

impl Offered {
    fn in_words(&self, place: &str) -> String {
        format!("{place} answers as {}, and offers {}", self.name, self.extensions.join(", "))
    }

    fn offers(&self, extension: &str) -> bool {
        self.extensions
            .iter()
            .any(|one| one.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(extension)))
    }

    /// What costs us something where it is missing.
    fn lacks(&self) -> Vec<Finding> {
        let lacks = [
            ("PIPELINING", "each letter costs as many answer times as it has commands"),
            ("SMTPUTF8", "addresses with letters beyond ASCII before the @ will be refused"),
        ];
        let missing = lacks.into_iter().filter(|(extension, _)| !self.offers(extension));
        missing
            .map(|(extension, so)| {
                Finding::new("mail server", State::Warning, format!("it does not offer {extension}: {so}"))
            })
            .collect()
    }
}

/// Says EHLO and QUIT.
fn greet(place: &str) -> io::Result<Offered> {
    let address = place.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("the name has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let me = match stream.local_addr()?.ip() {
        std::net::IpAddr::V4(ip) => format!("[{ip}]"),
        std::net::IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    };
    let mut replies = BufReader::new(stream.try_clone()?);
    reply(&mut replies)?;
    stream.write_all(format!("EHLO {me}\r\n").as_bytes())?;
    let mut lines = reply(&mut replies)?.into_iter();
    // Whatever it answers, we are done.
    let _ = stream.write_all(b"QUIT\r\n");
    let name = lines.next().unwrap_or_default();
    let name = name.split(' ').next().unwrap_or_default().to_string();
    Ok(Offered { name, extensions: lines.collect() })
}

/// A positive reply's lines, without their codes.
fn reply(replies: &mut impl BufRead) -> io::Result<Vec<String>> {
    const MOST: u64 = 64 * 1024;
    let mut replies = io::Read::take(replies, MOST);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if replies.read_until(b'\n', &mut line)? == 0 {
            return Err(io::Error::other("the connection was closed in the middle of an answer"));
        }
        let line: String = String::from_utf8_lossy(&line).chars().filter(|c| !c.is_control()).collect();
        if !line.starts_with('2') {
            return Err(io::Error::other(format!("it answered {line:?}")));
        }
        lines.push(line.get(4..).unwrap_or_default().to_string());
        if line.get(3..4) != Some("-") {
            return Ok(lines);
        }
    }
}
