//! Letters through a real Postfix into a real Maildir, read there by Python's `email` and by mutt.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::postfix::Postfix;
use crate::support::project::Project;
use crate::support::{has_program, peer_or_skip};

/// A site whose newsletter goes to two people, over the transport that is named.
fn project(transport: &str, tls: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            "title: La lettre d’été\nfrom: La rédaction <lettre@example.org>\nto: file:config/people.csv\n\
             leave: mailto:partir@example.org\nschedule: each-run\nbacklog: announce\n",
        )
        .file("config/people.csv", "email,name\nana@example.org,\"Zoé \"\"la\"\" <fée>\"\n\"bo+x@example.org\",\n")
        .file(
            "posts/un.md",
            "---\ntitle: L’été & <b>l’hiver</b>\ndate: 2026-02-01\n---\n.Un point, puis l’été.\n\nFrom là-bas.\n",
        );
    let config = project.read("config/crieur.yaml").replace("  transport: maildir:var/outbox\n", "");
    project.write("config/crieur.yaml", format!("{config}  transport: {transport}\n  tls: {tls}\n"));
    project.at("2026-03-01T08:00:00Z");
    project
}

/// What Python's `email` makes of a letter.
fn read_with_python(letter: &[u8]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/read_letter.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    python.stdin.take().expect("its input").write_all(letter).expect("written");
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn check_letter(read: &Value) {
    assert_eq!(read["defects"], Value::Array(vec![]), "{read}");
    assert_eq!(read["type"], "multipart/alternative");
    assert!(read["longest"].as_u64().is_some_and(|longest| longest <= 998));
    assert_eq!(read["from"], serde_json::json!([["La rédaction", "lettre@example.org"]]));
    let parts = read["parts"].as_array().expect("parts");
    let types: Vec<_> = parts.iter().map(|part| (part[0].as_str(), part[1].as_str())).collect();
    assert_eq!(types, [(Some("text/plain"), Some("utf-8")), (Some("text/html"), Some("utf-8"))]);
    for part in parts {
        let content = part[2].as_str().expect("text");
        assert!(content.contains(".Un point, puis l’été."), "{content}");
        assert!(!content.contains("{{"), "{content}");
    }
    let header = |name: &str| {
        let headers = read["headers"].as_array().expect("headers");
        let found: Vec<_> =
            headers.iter().filter(|header| header[0] == name).map(|header| header[1].clone()).collect();
        found
    };
    for name in ["date", "from", "to", "subject", "message-id", "mime-version", "content-type"] {
        assert_eq!(header(name).len(), 1, "{name}: {read}");
    }
    assert_eq!(header("subject"), ["La lettre d’été n° 1 : L’été & l’hiver"]);
}

#[test]
fn a_letter_through_postfix_opens_in_python_and_in_mutt() {
    const TEST: &str = "a_letter_through_postfix_opens_in_python_and_in_mutt";
    let Some(postfix) = Postfix::start(TEST, "") else { return };
    let project = project(&format!("smtp://127.0.0.1:{}", postfix.port), "none");
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["accepted"], 2);
    let letters: Vec<Value> = postfix.letters(2).iter().map(|letter| read_with_python(letter)).collect();
    letters.iter().for_each(check_letter);
    let mut to: Vec<_> = letters.iter().map(|letter| letter["to"].to_string()).collect();
    to.sort();
    assert_eq!(to, [r#"[["","bo+x@example.org"]]"#, r#"[["Zoé \"la\" <fée>","ana@example.org"]]"#]);

    if !peer_or_skip(TEST, "mutt", has_program("mutt", "-v")) {
        return;
    }
    let out = postfix.path("seen.txt");
    // Every letter as mutt decodes it, appended to a file. It needs a terminal, which `script` gives it.
    let commands = format!(
        "mutt -n -F /dev/null -R -f {} -e 'set charset=utf-8 wait_key=no pipe_decode=yes pipe_split=yes; \
         alternative_order text/plain' \
         -e \"push '<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> {}<enter><exit>'\"\n",
        postfix.maildir().display(),
        out.display()
    );
    std::fs::write(postfix.path("mutt.sh"), commands).expect("a script");
    // Where it is missing, some builds of mutt ask whether to create it, and wait.
    std::fs::create_dir_all(postfix.path("Mail")).expect("mutt's own folder");
    // In the foreground: in a group of its own mutt would be stopped as soon as it reads the terminal.
    let script = format!("timeout --foreground 20 sh {}", postfix.path("mutt.sh").display());
    let mut seen = String::new();
    // A Maildir that changed within the last second makes mutt look again, and forget what it was told to do.
    for _ in 0..5 {
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let _ = std::fs::remove_file(&out);
        let said = Command::new("script")
            .args(["-qec", &script, "/dev/null"])
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", postfix.path(""))
            .stdin(Stdio::null())
            .output()
            .expect("script runs");
        seen = std::fs::read_to_string(&out).unwrap_or_else(|_| String::from_utf8_lossy(&said.stdout).into_owned());
        if seen.matches("\nSubject: ").count() == 2 {
            break;
        }
    }
    assert_eq!(seen.matches(".Un point, puis l’été.").count(), 2, "{seen}");
    assert!(seen.contains("Subject: La lettre d’été"), "{seen}");
    assert!(seen.contains("Zoé"), "{seen}");
}

#[test]
fn letters_go_through_tls_by_starttls_and_from_the_first_byte() {
    const TEST: &str = "letters_go_through_tls_by_starttls_and_from_the_first_byte";
    let Some(postfix) = Postfix::start(TEST, "smtpd_tls_loglevel = 1") else { return };
    for (scheme, port, count) in [("smtp", postfix.port, 2), ("smtps", postfix.tls_port, 4)] {
        let project = project(&format!("{scheme}://localhost:{port}"), "required");
        // An authority that nobody knows: the letters wait.
        let ran = project.crieur(&["run"]);
        assert!(ran.stderr.contains("waits for the mail server"), "{}", ran.stderr);
        let mut command = project.command(&["run"]);
        let ran = command.env("SSL_CERT_FILE", postfix.path("ca.pem")).output().expect("it runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let letters = postfix.letters(count);
        assert!(letters.iter().all(|letter| !letter.is_empty()));
    }
    assert!(postfix.log().contains("TLS connection established"), "{}", postfix.log());
}

#[test]
fn letters_go_through_the_sendmail_command() {
    const TEST: &str = "letters_go_through_the_sendmail_command";
    let Some(postfix) = Postfix::start(TEST, "") else { return };
    let project = project("\"sendmail:\"", "none");
    let ran = project.command(&["run"]).env("CRIEUR_SENDMAIL", postfix.sendmail()).output().expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for letter in postfix.letters(2) {
        check_letter(&read_with_python(&letter));
    }
}

#[test]
fn a_receiver_that_drops_automatic_mail_passes_the_list_mode_letter_on() {
    const TEST: &str = "a_receiver_that_drops_automatic_mail_passes_the_list_mode_letter_on";
    let Some(postfix) = Postfix::start(TEST, "") else {
        return;
    };
    std::fs::write(postfix.path("checks"), "/^Auto-Submitted:/ DISCARD\n").expect("a table");
    let set = Command::new("postconf")
        .arg("-c")
        .arg(postfix.path("conf"))
        .arg("-e")
        .arg(format!("header_checks = regexp:{}", postfix.path("checks").display()))
        .status();
    assert!(set.expect("postconf runs").success());
    let reload = Command::new("postfix").arg("-c").arg(postfix.path("conf")).arg("reload").output();
    assert!(reload.expect("postfix runs").status.success());
    let transport = format!("smtp://127.0.0.1:{}", postfix.port);
    project(&transport, "none").ok(&["run"]);
    let list = project(&transport, "none");
    let newsletter = list.read("config/newsletters/news.yaml").replace("file:config/people.csv", "liste@example.org");
    list.write("config/newsletters/news.yaml", newsletter);
    list.ok(&["run"]);
    let letters = postfix.letters(1);
    assert_eq!(letters.len(), 1, "the two personal ones were dropped");
    let read = read_with_python(&letters[0]);
    check_letter(&read);
    assert_eq!(read["to"], serde_json::json!([["", "liste@example.org"]]));
    assert!(postfix.log().contains("discard: header Auto-Submitted"), "{}", postfix.log());
}

#[test]
fn hostile_names_arrive_whole_one_letter_each() {
    const TEST: &str = "hostile_names_arrive_whole_one_letter_each";
    let Some(postfix) = Postfix::start(TEST, "") else { return };
    let project = project(&format!("smtp://127.0.0.1:{}", postfix.port), "none");
    let hostile =
        ["a\r\nBcc: v@example.org", "\"\"quotes\"\"", "<script>", "🎉 é", "=?utf-8?B?eA==?=", "a,b;c", "\\"];
    let mut list = "email,name\n".to_string();
    for number in 0..100 {
        let name = hostile[number % hostile.len()];
        list.push_str(&format!("p{number}@example.org,\"{name} {number}\"\n"));
    }
    list.push_str(&format!("{}@example.org,long\n", "l".repeat(64)));
    list.push_str("\"\"\"a b\"\"@example.org\",quoted\n");
    project.write("config/people.csv", list);
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["accepted"], 102);
    let mut seen = std::collections::HashSet::new();
    for letter in postfix.letters(102) {
        let text = String::from_utf8_lossy(&letter);
        let header = text.split("\n\n").next().expect("a header");
        assert!(!header.contains("\nBcc:"), "{header}");
        let to = header.lines().filter(|line| line.starts_with("To: ")).count();
        assert_eq!(to, 1);
        assert!(seen.insert(header.lines().find(|line| line.starts_with("Delivered-To: ")).map(str::to_string)));
    }
    assert_eq!(seen.len(), 102);
}

#[test]
fn odd_addresses_arrive_over_tls() {
    const TEST: &str = "odd_addresses_arrive_over_tls";
    let more = "virtual_mailbox_domains = example.org, xn--prfecture-c4a.example.org";
    let Some(postfix) = Postfix::start(TEST, more) else { return };
    let project = project(&format!("smtp://localhost:{}", postfix.port), "required");
    let config = project.read("config/crieur.yaml");
    let roots = postfix.path("ca.pem");
    project.write("config/crieur.yaml", format!("{config}  roots: {}\n  connections: 2\n", roots.display()));
    let long = "l".repeat(64);
    let odd = [
        "hélène@example.org",
        "a@préfecture.example.org",
        "\"a b\"@example.org",
        "\"x>y\"@example.org",
        "\"q\\\"uoted\"@example.org",
        "o'neill/x=y@example.org",
        "a+b=c@example.org",
        "UPPER@example.org",
        "{brace}%`~@example.org",
        &format!("{long}@example.org"),
        &format!("{long}@préfecture.example.org"),
    ];
    let rows: String = odd.iter().map(|address| format!("\"{}\",é\n", address.replace('"', "\"\""))).collect();
    project.write("config/people.csv", format!("email,name\n{rows}"));
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["accepted"], odd.len(), "{printed} {}", postfix.log());
    let letters = postfix.letters(odd.len());
    let mut to: Vec<String> = letters
        .iter()
        .map(|letter| String::from_utf8_lossy(letter).into_owned())
        .map(|text| text.lines().find_map(|line| line.strip_prefix("Delivered-To: ")).unwrap_or("nobody").to_string())
        .collect();
    to.sort();
    to.dedup();
    assert_eq!(to.len(), odd.len(), "one letter each: {to:?}");
    let log = postfix.log();
    for address in ["hélène@example.org", "a@xn--prfecture-c4a.example.org", &format!("{long}@example.org")] {
        assert!(log.contains(&format!("to=<{address}>")), "{address}: {log}");
    }
    assert!(!log.contains("status=bounced") && !log.contains("reject:"), "{log}");
}
