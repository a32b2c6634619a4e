//! Whether the way out that a newsletter names works: a letter to people must not leave before it does.
//!
//! With `leave: web` the project's own web service (`crieur serve`) must answer now, and prove that it holds the key by which
//! letters' ways out are signed here: one with other keys is refused, one that was not given the newest key too, one that does not say
//! whose it is is warned of. The other ways work without us. A list server sees to its own, and a machine that letters are
//! handed over to asks for itself.

use std::time::Duration;

use data_encoding::HEXLOWER;
use ureq::tls::{RootCerts, TlsConfig};
use url::Url;

use crate::config::{Config, Leave, Newsletter, is_loopback, place_of};
use crate::problem::{Problem, Problems};
use crate::secrets::Secrets;

/// How long the web service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// So much of its answer is looked at: the proofs of some hundred keys.
const LENGTH: u64 = 4096;

const WEB_SERVICE: &str = "web service";

/// What is wrong with a newsletter's way out. Asks the web service, through the environment's proxy where one is set.
pub fn check(config: &Config, newsletter: &Newsletter) -> Problems {
    if newsletter.to.knows_nobody() {
        return Problems::new();
    }
    let problem = match (&newsletter.leave, &config.web.url) {
        (Leave::Web, Some(url)) => match is_ready(url, Secrets::look(config).ok().flatten().as_ref()) {
            Ok(Answers::Ours) => return Problems::new(),
            Ok(Answers::Unknown) => {
                let message =
                    format!("`leave: web`, and what answers at {url} does not say that it is this project's service");
                Problem::warning("no-way-out", message).help("let `crieur serve` answer there, below that address")
            }
            Ok(Answers::OldKeys) => old_keys(url),
            Ok(Answers::OtherKeys) => nobody_leaves(url, OTHER_KEYS),
            Err(why) => nobody_leaves(url, &why),
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

/// What is wrong where the web service answers and holds other keys than those that sign here, or not the newest: asked before
/// letters that were frozen already are sent. A service that does not answer now is no reason to stop.
pub fn lacks_key(config: &Config, newsletter: &Newsletter, secrets: &Secrets) -> Option<Problem> {
    let url = config.web.url.as_ref()?;
    let problem = match is_ready(url, Some(secrets)) {
        Ok(Answers::OldKeys) => old_keys(url),
        Ok(Answers::OtherKeys) => nobody_leaves(url, OTHER_KEYS),
        Ok(Answers::Ours | Answers::Unknown) | Err(_) => return None,
    };
    Some(problem.at(place_of(&config.root, &newsletter.file, &["leave"])))
}

const OTHER_KEYS: &str = "the service there has another key, and would know no letter of this project";

fn nobody_leaves(url: &Url, why: &str) -> Problem {
    Problem::error("no-way-out", format!("`leave: web`, but nobody can leave at {url}: {why}"))
        .help("start `crieur serve` there, with this project's key, or write `leave: mailto:ADDRESS`")
}

fn old_keys(url: &Url) -> Problem {
    let message =
        format!("`leave: web`, but the service at {url} lacks the newest key, and would not know these letters");
    Problem::error("no-way-out", message)
        .help("copy this machine's file of keys to that one, and let the service read it anew (SIGHUP, or a restart)")
}

/// What a service answers to a question of 32 hexadecimal digits: a proof for each key by which it reads letters' ways out.
/// `None`: that is no such question.
pub fn proof(secrets: &Secrets, asked: &str) -> Option<String> {
    let is_question = asked.len() == 32 && asked.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_question.then(|| proofs(secrets, asked).join(" "))
}

/// The newest key's first.
fn proofs(secrets: &Secrets, asked: &str) -> Vec<String> {
    secrets.signatures(WEB_SERVICE, &[asked.as_bytes()]).map(|proof| HEXLOWER.encode(&proof)).collect()
}

/// Who answers at the service's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    Ours,
    /// Ours, and it was not given the key that signs here.
    OldKeys,
    /// A service like ours, of another project.
    OtherKeys,
    /// It finds the page, and is none that we know: what stands before a service may answer for it.
    Unknown,
}

/// Asks the service whether people could leave there. Without a key (nothing was ever sent) it need only answer.
fn is_ready(url: &Url, secrets: Option<&Secrets>) -> Result<Answers, String> {
    let mut settings = ureq::Agent::config_builder()
        // Whom the system trusts: the authority of an administration, or of a proxy that opens TLS, is not in a built-in list.
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .timeout_global(Some(PATIENCE))
        .max_redirects(3);
    // What listens on this machine is not behind a proxy.
    if url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']']))) {
        settings = settings.proxy(None);
    }
    let agent: ureq::Agent = settings.build().into();
    let mut question = [0; 16];
    getrandom::fill(&mut question).map_err(|error| error.to_string())?;
    let question = HEXLOWER.encode(&question);
    let mut response =
        agent.get(format!("{url}readyz?proof={question}")).call().map_err(|error| error.to_string())?;
    let said = response.body_mut().with_config().limit(LENGTH).read_to_string().map_err(|error| error.to_string())?;
    let Some(given) = said.trim().strip_prefix("ready") else { return Ok(Answers::Unknown) };
    let given: Vec<&str> = given.split_whitespace().collect();
    let ours = secrets.map(|secrets| proofs(secrets, &question)).unwrap_or_default();
    let is_given = |proof: &String| given.contains(&proof.as_str());
    Ok(match ours.as_slice() {
        [] => Answers::Ours,
        [newest, ..] if is_given(newest) => Answers::Ours,
        [_, earlier @ ..] if earlier.iter().any(is_given) => Answers::OldKeys,
        _ => Answers::OtherKeys,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request on a port of its own, and gives its address. `{proof}` is what this key proves.
    fn serve(answer: &'static str, secrets: Option<Secrets>) -> url::Url {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut request = [0; 1024];
            let length = stream.read(&mut request).expect("a request");
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let asked = request.split("proof=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a question");
            let proved = secrets.and_then(|secrets| proof(&secrets, asked)).unwrap_or_default();
            let body = answer.replace("{proof}", &proved);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        });
        url::Url::parse(&format!("http://127.0.0.1:{port}/below/")).expect("an address")
    }

    #[test]
    fn the_web_service_must_be_ours_before_letters_name_it() {
        let (ours, other) = (|| Secrets::from_bytes([1; 32]), || Secrets::from_bytes([2; 32]));
        assert_eq!(is_ready(&serve("ready {proof}\n", Some(ours())), Some(&ours())), Ok(Answers::Ours));
        assert_eq!(is_ready(&serve("ready {proof}\n", Some(ours())), None), Ok(Answers::Ours), "no key was made yet");
        assert_eq!(is_ready(&serve("ready {proof}\n", Some(other())), Some(&ours())), Ok(Answers::OtherKeys));
        assert_eq!(is_ready(&serve("ready\n", None), Some(&ours())), Ok(Answers::OtherKeys));
        assert_eq!(is_ready(&serve("ready x {proof}\n", Some(ours())), Some(&ours())), Ok(Answers::Ours));
        assert_eq!(is_ready(&serve("hello", None), Some(&ours())), Ok(Answers::Unknown));
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
        let nobody = url::Url::parse(&format!("http://{closed}/")).expect("an address");
        assert!(is_ready(&nobody, Some(&ours())).is_err());
    }

    #[test]
    fn a_service_must_hold_the_newest_key_and_may_hold_more() {
        let keys = |text: &str| {
            let folder = tempfile::tempdir().expect("a folder");
            let lines: Vec<String> = text.split(' ').map(|digit| digit.repeat(64)).collect();
            std::fs::write(folder.path().join("key"), lines.join("\n")).expect("a file");
            Secrets::load_or_create(folder.path(), None).expect("keys")
        };
        let asked =
            |theirs: &str, ours: &str| is_ready(&serve("ready {proof}\n", Some(keys(theirs))), Some(&keys(ours)));
        assert_eq!(asked("a b", "a b"), Ok(Answers::Ours));
        assert_eq!(asked("a b", "a"), Ok(Answers::Ours), "it was given the new key first");
        assert_eq!(asked("a", "a b"), Ok(Answers::OldKeys));
        assert_eq!(asked("c", "a b"), Ok(Answers::OtherKeys));
    }

    #[test]
    fn only_a_question_of_the_right_form_is_answered() {
        let secrets = Secrets::from_bytes([1; 32]);
        assert_eq!(proof(&secrets, &"a".repeat(32)).map(|proof| proof.len()), Some(24));
        for question in ["", "abc", &"A".repeat(32), &"é".repeat(16), &"a".repeat(33)] {
            assert_eq!(proof(&secrets, question), None, "{question}");
        }
    }
}
