//! Whether the way out that a newsletter names works: a letter to people must not leave before it does.
//!
//! With `leave: web` the web service must answer now; the other ways work without us. A list server sees to its own, and a
//! machine that letters are handed over to asks for itself.
//!
//! BUGS: that something answers at the service's address does not prove that it is ours.

use std::time::Duration;

use crate::config::{Config, Leave, Newsletter, is_loopback, place_of};
use crate::problem::{Problem, Problems};

/// How long the web service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is wrong with a newsletter's way out. Asks the web service, through the environment's proxy where one is set.
pub fn check(config: &Config, newsletter: &Newsletter) -> Problems {
    if newsletter.to.knows_nobody() {
        return Problems::new();
    }
    let problem = match (&newsletter.leave, &config.web.url) {
        (Leave::Web, Some(url)) => match answers(url) {
            Ok(()) => return Problems::new(),
            Err(why) => Problem::error("no-way-out", format!("`leave: web`, but {url} does not answer: {why}"))
                .help("start the web service there, or write `leave: mailto:ADDRESS`"),
        },
        (Leave::Web, None) => Problem::error("no-way-out", "`leave: web` needs `web.url`, the web service's address")
            .help("add it to config/crieur.yaml, or write `leave: mailto:ADDRESS`"),
        (Leave::List, _) => {
            Problem::error("no-way-out", "personal letters have no list server that lets people leave")
                .help("write `leave: web` or `leave: mailto:ADDRESS`")
        }
        (Leave::Mailto(_) | Leave::Url(_), _) => return Problems::new(),
    };
    Problems(vec![problem.at(place_of(&config.root, &newsletter.file, &["leave"]))])
}

fn answers(url: &url::Url) -> Result<(), String> {
    let mut settings = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(3);
    // What listens on this machine is not behind a proxy.
    if url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']']))) {
        settings = settings.proxy(None);
    }
    let agent: ureq::Agent = settings.build().into();
    agent.get(url.as_str()).call().map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request on a port of its own, and gives its address.
    fn serve(answer: &'static str) -> url::Url {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        });
        url::Url::parse(&format!("http://127.0.0.1:{port}/")).expect("an address")
    }

    #[test]
    fn the_web_service_must_answer_before_letters_name_it() {
        assert_eq!(answers(&serve("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")), Ok(()));
        let refused = answers(&serve("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        assert_eq!(refused, Err("http status: 502".to_string()));
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
        let nobody = url::Url::parse(&format!("http://{closed}/")).expect("an address");
        assert!(answers(&nobody).is_err());
    }
}
