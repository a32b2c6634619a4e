//! A signature is checked here by a verifier that shares nothing with the signer but the keys; opendkim and dkimpy are
//! asked in the integration tests.

use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;

/// OpenSSL's own, made for these tests and used nowhere else.
pub const RSA: &str = include_str!("test-keys/rsa.pem");
pub const ED25519_KEY: &str = include_str!("test-keys/ed25519.pem");

fn signer(keys: &[&str]) -> Signer {
    let keys = keys.iter().enumerate().map(|(index, pem)| DomainKey {
        domain: "example.org".to_string(),
        selector: format!("s{index}"),
        key: Key::from_pem(pem.as_bytes()).unwrap(),
    });
    Signer::new(keys.collect())
}

const LETTER: &str = "Date: Sun, 01 Mar 2026 10:00:00 +0100\r\nFrom: =?utf-8?B?Wm/DqQ==?= <lettre@example.org>\r\n\
    To: \"Ana <3\"\r\n <ana@example.org>\r\nSubject: Pour  Ana\r\nMessage-ID: <id@example.org>\r\n\
    List-Id: La lettre <news.example.org>\r\nList-Unsubscribe: <https://lettre.example.org/leave/x>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\nX-Ours: no\r\n\r\nBonjour  Ana, \r\n\r\nfin\r\n\r\n";

/// One tag of a signature, without its white space.
fn tag(signature: &str, tag: &str) -> String {
    let found = signature.split(';').find_map(|part| part.trim_start().strip_prefix(&format!("{tag}=")));
    found.unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect()
}

/// The signatures of a signed letter, and the rest of it.
fn apart(signed: &str) -> (Vec<String>, String) {
    let (mut signatures, mut rest) = (Vec::new(), signed);
    while rest.starts_with("DKIM-Signature:") {
        let end = rest.match_indices("\r\n").find(|(at, _)| !rest[at + 2..].starts_with(' ')).unwrap().0 + 2;
        signatures.push(rest[..end].to_string());
        rest = &rest[end..];
    }
    (signatures, rest.to_string())
}

fn one_space(text: &str) -> String {
    text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether each signature of a letter holds.
fn verify(signed: &str, keys: &Signer) -> Vec<bool> {
    let (signatures, letter) = apart(signed);
    let (header, body) = letter.split_once("\r\n\r\n").unwrap();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in header.split("\r\n") {
        match (line.starts_with(' '), fields.last_mut()) {
            (true, Some((_, value))) => value.push_str(line),
            _ => {
                let (name, value) = line.split_once(':').unwrap();
                fields.push((name.to_lowercase(), value.to_string()));
            }
        }
    }
    let lines: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let words = one_space(line);
            let start = if line.starts_with([' ', '\t']) && !words.is_empty() { " " } else { "" };
            format!("{start}{words}\r\n")
        })
        .collect();
    let body = format!("{}\r\n", lines.concat().trim_end_matches("\r\n"));
    let hash = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec();
    let holds = |signature: &String| {
        let key = keys.keys().iter().find(|key| key.selector == tag(signature, "s")).unwrap();
        let mut left = fields.clone();
        let mut text = String::new();
        for name in tag(signature, "h").to_lowercase().split(':') {
            if let Some(at) = left.iter().rposition(|(found, _)| found == name) {
                let (name, value) = left.remove(at);
                text.push_str(&format!("{name}:{}\r\n", one_space(&value)));
            }
        }
        let unsigned = &signature[..signature.rfind("b=").unwrap() + 2];
        text.push_str(&one_space(unsigned).replace("DKIM-Signature: ", "dkim-signature:"));
        let sig = BASE64.decode(tag(signature, "b").as_bytes()).unwrap();
        let right_hash = BASE64.encode(&hash(body.as_bytes())) == tag(signature, "bh");
        right_hash
            && match &key.key {
                Key::Rsa(pair) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref())
                    .verify(text.as_bytes(), &sig)
                    .is_ok(),
                Key::Ed25519(pair) => {
                    use ring::signature::KeyPair;
                    UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref())
                        .verify(&hash(text.as_bytes()), &sig)
                        .is_ok()
                }
            }
    };
    signatures.iter().map(holds).collect()
}

fn sign(signer: &Signer, letter: &str) -> String {
    signer.sign(letter.as_bytes()).unwrap() + letter
}

#[test]
fn a_signature_reads_like_this() {
    let signature = signer(&[RSA]).sign(LETTER.as_bytes()).unwrap();
    let (head, value) = signature.split_at(signature.rfind("b=").unwrap() + 2);
    assert_eq!(
        head,
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s0;\r\n \
         t=1772355600; h=From:From:Sender:Reply-To:To:To:Cc:Subject:Subject:Date:Date:\r\n \
         Message-ID:Message-ID:MIME-Version:MIME-Version:Content-Type:Content-Type:\r\n \
         Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe:\r\n \
         List-Unsubscribe-Post:List-Unsubscribe-Post:Auto-Submitted:List-Id;\r\n \
         bh=BODYHASH; b="
            .replace("BODYHASH", &tag(&signature, "bh"))
    );
    assert_eq!(value.split_whitespace().collect::<String>().len(), 344, "2048 bits in base64");
    assert!(signature.ends_with("\r\n") && signature.split("\r\n").all(|line| line.len() <= 78), "{signature}");
}

#[test]
fn both_kinds_hold_and_the_same_letter_gets_the_same_bytes() {
    for keys in [vec![RSA], vec![ED25519_KEY], vec![RSA, ED25519_KEY]] {
        let signer = signer(&keys);
        let signed = sign(&signer, LETTER);
        assert_eq!(verify(&signed, &signer), vec![true; keys.len()], "{signed}");
        assert_eq!(signed, sign(&signer, LETTER));
    }
}

#[test]
fn whatever_a_server_may_do_on_the_way_breaks_nothing() {
    let signer = signer(&[RSA, ED25519_KEY]);
    let signed = sign(&signer, LETTER);
    for (ours, theirs) in [
        ("To: \"Ana <3\"\r\n <ana@example.org>", "To: \"Ana <3\" <ana@example.org>"),
        ("Subject: Pour  Ana", "subject:\tPour\r\n Ana  "),
        ("Bonjour  Ana, \r\n", "Bonjour Ana,\r\n"),
        ("fin\r\n\r\n", "fin\r\n"),
        ("X-Ours: no\r\n", "X-Theirs: yes\r\n"),
    ] {
        assert!(signed.contains(ours), "{ours:?}");
        assert_eq!(verify(&signed.replace(ours, theirs), &signer), [true, true], "{theirs:?}");
    }
}

#[test]
fn a_change_that_a_reader_would_see_breaks_it() {
    let signer = signer(&[RSA, ED25519_KEY]);
    let signed = sign(&signer, LETTER);
    for (ours, theirs) in [
        ("Bonjour", "Bonsoir"),
        ("Subject: Pour", "Subject: pour"),
        ("leave/x", "leave/y"),
        ("Date:", "From: other@example.org\r\nDate:"),
        ("Date:", "Subject: other\r\nDate:"),
        ("Date:", "List-Unsubscribe: <https://elsewhere.example.org/>\r\nDate:"),
        ("Date:", "Reply-To: other@example.org\r\nDate:"),
        ("Date:", "Content-Transfer-Encoding: base64\r\nDate:"),
        ("List-Id: La lettre", "List-Id: L'autre"),
        ("fin", "fin\r\nencore"),
    ] {
        assert!(signed.contains(ours), "{ours:?}");
        let (signatures, letter) = apart(&signed);
        let changed = signatures.concat() + &letter.replace(ours, theirs);
        assert_eq!(verify(&changed, &signer), [false, false], "{theirs:?}");
    }
}

#[test]
fn a_list_server_may_add_what_is_its_own() {
    let signer = signer(&[ED25519_KEY]);
    let letter = LETTER.replace("List-Id: La lettre <news.example.org>\r\n", "").replace("List-Unsubscribe", "X-U");
    let (signatures, letter) = apart(&sign(&signer, &letter));
    assert_eq!(
        tag(&signatures[0], "h"),
        "From:From:To:Subject:Date:Message-ID:MIME-Version:Content-Type:Auto-Submitted"
    );
    let added = format!("{}List-Id: <l.example.org>\r\nReply-To: l@example.org\r\n{letter}", signatures.concat());
    assert_eq!(verify(&added, &signer), [true]);
    assert_eq!(verify(&format!("{}From: other@example.org\r\n{letter}", signatures.concat()), &signer), [false]);
}

#[test]
fn a_letter_without_a_date_has_a_signature_without_a_time() {
    let signer = signer(&[ED25519_KEY]);
    let letter = LETTER.replace("Date: Sun, 01 Mar 2026", "Date: today");
    let signed = sign(&signer, &letter);
    assert_eq!((tag(&signed, "t"), verify(&signed, &signer)), (String::new(), vec![true]));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_the_letter_its_signature_holds(
        subject in "[a-z =?é]{0,90}", lines in proptest::collection::vec("[a-z .=\t]{0,76}", 0..200)
    ) {
        let signer = signer(&[ED25519_KEY]);
        let letter = format!("From: a@example.org\r\nSubject: {subject}\r\n\r\nx{}\r\n", lines.join("\r\n"));
        let signed = sign(&signer, &letter);
        proptest::prop_assert_eq!(verify(&signed, &signer), [true]);
    }
}

#[test]
fn keys_are_read_from_what_openssl_and_we_write() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for kind in [Kind::Rsa, Kind::Ed25519] {
        let path = folder.path().join(format!("keys/{}.pem", kind.name()));
        let key = key::make(kind, &path).unwrap();
        assert_eq!((key.kind(), key.bits()), (kind, (kind == Kind::Rsa).then_some(2048)));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Key::read(&path).unwrap().record(), key.record());
        let before = std::fs::read(&path).unwrap();
        assert!(
            matches!(key::make(kind, &path), Err(key::KeyError::Io(why)) if why.kind() == std::io::ErrorKind::AlreadyExists)
        );
        assert_eq!(std::fs::read(&path).unwrap(), before, "a key is never overwritten");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Key::read(&path), Err(key::KeyError::Open(0o644))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
        assert!(Key::read(&path).is_ok(), "a group may be let in");
    }
    // The same key as `openssl rsa -traditional` writes it.
    let traditional = Key::from_pem(include_bytes!("test-keys/rsa-traditional.pem")).unwrap();
    assert_eq!(traditional.record(), Key::from_pem(RSA.as_bytes()).unwrap().record());
    // As `openssl pkey -pubout` says it, and RFC 8463 for the 32 bytes.
    assert_eq!(traditional.record(), format!("v=DKIM1; k=rsa; p={}", include_str!("test-keys/rsa.pub").trim()));
    let ed25519 = Key::from_pem(ED25519_KEY.as_bytes()).unwrap().record();
    assert_eq!(ed25519, format!("v=DKIM1; k=ed25519; p={}", include_str!("test-keys/ed25519.pub").trim()));
    for (pem, wrong) in [
        (include_str!("test-keys/small.pem"), "too small"),
        (include_str!("test-keys/curve.pem"), "neither RSA"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no private key"),
        ("", "no private key"),
    ] {
        let why = Key::from_pem(pem.as_bytes()).err().unwrap().to_string();
        assert!(why.contains(wrong), "{why}");
    }
    assert!(Key::read(&folder.path().join("absent.pem")).err().unwrap().is_absent());
}
