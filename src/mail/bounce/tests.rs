use proptest::prelude::*;

use super::*;

fn secrets() -> Secrets {
    Secrets::from_bytes([5; 32])
}

fn read_with(secrets: &Secrets, message: &str, envelope: Option<&str>) -> Meaning {
    let bounces_to = Address::parse("bounces@lettre.example.org").ok();
    read(message.as_bytes(), envelope, &Ours { secrets, bounces_to, newsletters: vec!["news", "referents"] })
}

fn meaning(message: &str) -> Meaning {
    read_with(&secrets(), message, None)
}

fn address() -> String {
    format!("bounces+{}@lettre.example.org", token::bounce(&secrets(), 7, 42))
}

fn delivery() -> Whose {
    Whose::Delivery { edition: 7, recipient: 42 }
}

/// A report as RFC 3464 has it, with fields of one's own in each place.
fn report(fields: &str, message_fields: &str, recipient_fields: &str, returned: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nSubject: Undelivered Mail Returned to Sender\n\
         Auto-Submitted: auto-replied\nMessage-ID: <1@mx.example.org>\n{fields}MIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"b/1\"\n\n\
         This is a MIME-encapsulated message.\n\n--b/1\nContent-Type: text/plain\n\n550 5.7.1 no, 4.4.1 wait\n\n\
         --b/1\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.example.org\n{message_fields}\n{recipient_fields}\n\
         --b/1\nContent-Type: message/rfc822\n\n{returned}\n\n--b/1--\n"
    )
}

const HARD: &str = "Final-Recipient: rfc822; ana@example.org\nAction: failed\nStatus: 5.1.1\n\
                    Diagnostic-Code: smtp; 550 5.1.1 no such user\n";

fn is_hard(meaning: Meaning, whose: &Whose) -> bool {
    matches!(meaning, Meaning::Report(report) if report.cause.kind == Kind::Hard && report.whose == *whose)
}

#[test]
fn the_recipient_is_the_tokens_wherever_servers_wrote_the_address() {
    let address = address();
    for fields in [
        format!("To: {address}\n"),
        format!("To: <{}>\n", address.to_uppercase()),
        format!("To: undisclosed-recipients:;\nDelivered-To: {address}\n"),
        format!("To: \"x\" <y@example.org>\nX-Original-To: {address}\n"),
        format!("Delivered-To: mailbox@lettre.example.org\nEnvelope-To: {address}\n"),
    ] {
        assert!(is_hard(meaning(&report(&fields, "", HARD, "Subject: x\n\nx")), &delivery()), "{fields}");
    }
    let nobody = report("To: postmaster@lettre.example.org\n", "", HARD, "Subject: x\n\nx");
    assert_eq!(meaning(&nobody), Meaning::Foreign);
    assert!(is_hard(read_with(&secrets(), &nobody, Some(&address)), &delivery()));
}

#[test]
fn a_token_that_is_not_ours_or_not_at_our_address_names_nobody() {
    let token = token::bounce(&Secrets::from_bytes([6; 32]), 7, 42);
    let ours = token::bounce(&secrets(), 7, 42);
    for to in [
        format!("bounces+{token}@lettre.example.org"),
        format!("bounces+{ours}@elsewhere.example.org"),
        format!("other+{ours}@lettre.example.org"),
        format!("bounces{ours}@lettre.example.org"),
    ] {
        assert_eq!(meaning(&report(&format!("To: {to}\n"), "", HARD, "Subject: x\n\nx")), Meaning::Foreign, "{to}");
    }
}

#[test]
fn without_a_plus_the_envelopes_id_names_the_delivery() {
    let id = format!("Original-Envelope-Id: {}\n", token::bounce(&secrets(), 7, 42));
    assert!(is_hard(meaning(&report("To: bounces@lettre.example.org\n", &id, HARD, "Subject: x\n\nx")), &delivery()));
}

#[test]
fn without_both_the_returned_letters_message_id_does() {
    let returned = "Message-ID:\n <abc@example.org>\nTo: \"Ana\" <ANA@example.org>\n\n5.7.1";
    let whose = Whose::Letter {
        message_id: "<abc@example.org>".to_string(),
        recipients: vec![secrets().recipient_id("ana@example.org"); 2],
    };
    let whole = report("To: bounces@lettre.example.org\n", "", HARD, returned);
    assert!(is_hard(meaning(&whole), &whose), "{:?}", meaning(&whole));
    let header_only = whole.replace("message/rfc822", "text/rfc822-headers").replace("\n\n5.7.1", "");
    assert!(is_hard(meaning(&header_only), &whose));
    let global = whole
        .replace("message/rfc822", "message/global-headers")
        .replace("delivery-status", "global-delivery-status");
    assert!(is_hard(meaning(&global), &whose));
    assert_eq!(meaning(&whole.replace("Message-ID:\n <abc@", "X: <abc@")), Meaning::Foreign);
}

#[test]
fn copies_of_a_report_carry_one_mark_and_other_reports_another() {
    let mark = |message: &str| match meaning(message) {
        Meaning::Report(report) => report.mark,
        other => panic!("{other:?}"),
    };
    let fields = format!("To: {}\n", address());
    let first = report(&fields, "", HARD, "Subject: x\n\nx");
    let again = report(&format!("Received: from a by b\n{fields}"), "", HARD, "Subject: x\n\nx");
    let other = first.replace("<1@mx", "<2@mx");
    assert_eq!(mark(&first), mark(&again));
    assert_ne!(mark(&first), mark(&other));
    let unnamed = first.replace("Message-ID: <1@mx.example.org>\n", "");
    assert_eq!(mark(&unnamed), mark(&unnamed.replace("Return-Path: <>\n", "Return-Path: <>\nReceived: x\n")));
}

#[test]
fn a_complaint_is_its_letters_by_sender_or_by_message_id() {
    let complaint = |fields: &str, returned: &str| {
        format!(
            "From: <fbl@provider.example.org>\nTo: abuse@example.org\nSubject: FW: news\nMessage-ID: <f@x>\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=feedback-report; boundary=q\n\n--q\n\nThis is spam.\n--q\n\
             Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n{fields}\n--q\n\
             Content-Type: message/rfc822\nContent-Disposition: inline\n\n{returned}\n--q--\n"
        )
    };
    for (fields, returned) in [
        (format!("Original-Mail-From: <{}>\n", address()), "Subject: x\n\nx".to_string()),
        (String::new(), format!("Return-Path: <{}>\nSubject: x\n\nx", address())),
    ] {
        match meaning(&complaint(&fields, &returned)) {
            Meaning::Report(report) => assert_eq!((report.cause.kind, report.whose), (Kind::Complaint, delivery())),
            other => panic!("{other:?}"),
        }
    }
    match meaning(&complaint("Original-Rcpt-To: ana@example.org\n", "Message-ID: <abc@example.org>\n\nx")) {
        Meaning::Report(Report { whose: Whose::Letter { message_id, recipients }, .. }) => {
            assert_eq!(
                (message_id.as_str(), recipients),
                ("<abc@example.org>", vec![secrets().recipient_id("ana@example.org")])
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(meaning(&complaint("", "Subject: somebody else's\n\nx")), Meaning::Foreign);
}

#[test]
fn qmails_notice_is_read_by_its_form_and_only_when_nobody_sent_it() {
    let notice = format!(
        "Return-Path: <>\nTo: {}\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.org.\n\
         I'm afraid I wasn't able to deliver your message.\n\n<ana@example.org>:\nSorry, no mailbox here. (#5.1.1)\n\n\
         --- Below this line is a copy of the message.\n\nSubject: x\n\nx\n",
        address()
    );
    assert!(is_hard(meaning(&notice), &delivery()));
    assert_eq!(meaning(&notice.replace("Path: <>", "Path: <ana@example.org>")), Meaning::Foreign);
}

/// Answers as programs write them, to the address that holds the token: none is a bounce.
const ANSWERS: &[(&str, &str)] = &[
    // RFC 3834 (Sieve's vacation).
    (
        "Return-Path: <>\nAuto-Submitted: auto-replied (vacation)\nSubject: Auto: La lettre",
        "5.1.1 I have left for good.",
    ),
    // Berkeley vacation.
    ("Precedence: bulk\nSubject: away from my mail", "550 5.1.1 user unknown, for now. Mailbox full too."),
    // Exchange.
    (
        "Return-Path: <>\nX-Auto-Response-Suppress: All\nauto-submitted: auto-generated\nSubject: Automatic reply: La lettre",
        "I no longer work here.",
    ),
    // Old gateways.
    ("X-Autoreply: yes\nPrecedence: junk\nSubject: Out of Office", "Undeliverable"),
    ("X-Autorespond: La lettre\nSubject: Absence du bureau", "De retour lundi."),
    // Gmail's.
    ("Precedence: auto_reply\nX-Autoreply: yes\nSubject: En vacances Re: La lettre", "Message non remis"),
];

#[test]
fn out_of_office_answers_are_no_bounces_whatever_they_say() {
    for (fields, body) in ANSWERS {
        let message = format!("From: ana@example.org\nTo: {}\n{fields}\n\n{body}\n", address());
        assert_eq!(meaning(&message), Meaning::Automatic, "{fields}");
    }
}

#[test]
fn a_person_who_answers_is_no_bounce_even_with_a_bounce_in_their_words() {
    let quoted = report("To: x@example.org\n", "", HARD, "Subject: x\n\nx");
    let message = format!(
        "From: ana@example.org\nTo: {}\nSubject: Re: La lettre\n\n> {}",
        address(),
        quoted.replace('\n', "\n> ")
    );
    assert_eq!(meaning(&message), Meaning::Foreign);
    // Forwarded whole, as an attachment: nobody says where it has been.
    let forwarded = format!(
        "From: ana@example.org\nTo: {}\nContent-Type: multipart/mixed; boundary=f\n\n--f\nContent-Type: message/rfc822\n\n{quoted}\n--f--\n",
        address()
    );
    assert_eq!(meaning(&forwarded), Meaning::Foreign);
}

#[test]
fn a_mixed_message_is_a_report_by_its_parts_when_nobody_sent_it() {
    let mixed = report(&format!("To: {}\n", address()), "", HARD, "Subject: x\n\nx")
        .replace("multipart/report; report-type=delivery-status;", "multipart/mixed;");
    assert!(is_hard(meaning(&mixed), &delivery()));
    assert!(is_hard(meaning(&mixed.replace("Return-Path: <>\n", "")), &delivery()));
    let somebodys = mixed.replace("Path: <>", "Path: <ana@example.org>").replace("Auto-Submitted", "X-Was");
    assert_eq!(meaning(&somebodys), Meaning::Foreign);
}

#[test]
fn a_receipt_is_automatic() {
    let receipt = report(&format!("To: {}\n", address()), "", HARD, "Subject: x\n\nx")
        .replace("message/delivery-status", "message/disposition-notification")
        .replace("report-type=delivery-status", "report-type=disposition-notification");
    assert_eq!(meaning(&receipt), Meaning::Automatic);
}

#[test]
fn whoever_sends_the_token_in_the_subject_leaves_that_newsletter() {
    let token = token::leave(&secrets(), "referents", 42);
    let (first, second) = token.split_at(16);
    for subject in [
        format!("leave {token}"),
        format!("Re: leave {token}"),
        format!("TR : [EXTERNE] leave {}", token.to_uppercase()),
        format!("leave%20{token}"),
        format!("leave+{token}"),
        format!("Re:\n leave\n {token}"),
        format!("=?utf-8?Q?leave_{token}?="),
        format!("=?utf-8?B?{}?=", data_encoding::BASE64.encode(format!("Ré: leave {token}").as_bytes())),
        format!("=?utf-8?Q?leave_{first}?=\n =?utf-8?Q?{second}?="),
    ] {
        let message = format!("From: ana@example.org\nTo: partir@example.org\nSubject: {subject}\n\n\n");
        let left = Meaning::Leave { newsletter: "referents".to_string(), recipient: 42 };
        assert_eq!(meaning(&message), left, "{subject}");
        // Mail programs that write for their user may say that they do.
        assert_eq!(meaning(&format!("Auto-Submitted: auto-generated\n{message}")), left, "{subject}");
    }
}

#[test]
fn nobody_leaves_without_the_token() {
    let other = token::leave(&Secrets::from_bytes([6; 32]), "referents", 42);
    let unknown = token::leave(&secrets(), "unknown", 42);
    for subject in ["unsubscribe", "leave", "désabonnement", &format!("leave {other}"), &format!("leave {unknown}")]
    {
        let message = format!("From: ana@example.org\nTo: partir@example.org\nSubject: {subject}\n\nunsubscribe\n");
        assert_eq!(meaning(&message), Meaning::Foreign, "{subject}");
    }
    // In the body, where whoever answers quotes the letter and its way out, it does nothing either.
    let token = token::leave(&secrets(), "referents", 42);
    let message =
        format!("From: ana@example.org\nTo: partir@example.org\nSubject: Re: La lettre\n\n> leave {token}\n");
    assert_eq!(meaning(&message), Meaning::Foreign);
}

#[test]
fn depth_and_number_of_parts_cost_nothing() {
    let mut nested = format!("To: {}\n", address());
    for level in 0..20_000 {
        nested.push_str(&format!("Content-Type: multipart/report; boundary=b{level}\n\n--b{level}\n"));
    }
    assert_eq!(meaning(&nested), Meaning::Automatic);
    assert_eq!(meaning(&"Content-Type: message/rfc822\n\n".repeat(200_000)), Meaning::Foreign);
    let many = format!("Content-Type: multipart/report; boundary=b\n\n{}", "--b\nX: y\n\nz\n".repeat(200_000));
    assert_eq!(meaning(&many), Meaning::Automatic);
    let long = format!("Subject: {}\n\n", "=?utf-8?Q?a?= ".repeat(500_000));
    assert_eq!(meaning(&long), Meaning::Foreign);
}

#[test]
fn an_address_with_its_token_fits_64_characters_before_the_at() {
    let longest = format!("{}@example.org", "b".repeat(24));
    let token = token::bounce(&secrets(), i64::from(u32::MAX), i64::MAX);
    assert!(token.len() <= 40 && token.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let written = Address::parse(&longest).unwrap().with_detail(&token);
    assert_eq!(written.rsplit_once('@').unwrap().0.len(), 64);
    assert!(Address::parse(&written).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_crash_it(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let secrets = secrets();
        let bounces_to = Address::parse("bounces@lettre.example.org").ok();
        let _ = read(&bytes, None, &Ours { secrets: &secrets, bounces_to, newsletters: vec!["news"] });
    }

    /// Reports with bytes cut out, doubled and changed: never a crash, and never anybody else's letter.
    #[test]
    fn a_damaged_report_names_its_own_letter_or_none(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..40, any::<u8>()), 1..6),
    ) {
        let whole = report(&format!("To: {}\n", address()), "", HARD, "Message-ID: <abc@example.org>\nTo: ana@example.org\n\nx");
        let mut bytes = whole.into_bytes();
        for (place, length, byte) in changes {
            let start = place.index(bytes.len());
            let end = (start + length).min(bytes.len());
            match byte % 3 {
                0 => drop(bytes.drain(start..end)),
                1 => { let piece = bytes[start..end].to_vec(); bytes.splice(start..start, piece); }
                _ => bytes[start] = byte,
            }
        }
        let secrets = secrets();
        let bounces_to = Address::parse("bounces@lettre.example.org").ok();
        if let Meaning::Report(Report { whose: Whose::Delivery { edition, recipient }, .. }) =
            read(&bytes, None, &Ours { secrets: &secrets, bounces_to, newsletters: vec!["news"] })
        {
            prop_assert_eq!((edition, recipient), (7, 42));
        }
    }
}
