//! Any text as a token: only what we wrote is one, and it says what was put into it.
#![no_main]

use crieur::mail::token;
use crieur::secrets::Secrets;
use crieur::web::token as joining;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (i64, u32, &str)| {
    let (recipient, edition, text) = input;
    let secrets = Secrets::from_bytes([7; 32]);
    let leave = token::leave(&secrets, "letter", recipient);
    assert_eq!(token::read_leave(&secrets, ["other", "letter"], &leave), Some(("letter", recipient)));
    let bounce = token::bounce(&secrets, i64::from(edition), recipient);
    assert_eq!(token::read_bounce(&secrets, &bounce), Some((i64::from(edition), recipient)));
    let back = token::come_back(&secrets, "letter", recipient, i64::from(edition));
    assert_eq!(
        token::read_come_back(&secrets, ["other", "letter"], &back),
        Some(("letter", recipient, i64::from(edition)))
    );
    if let Some((_, recipient, left)) = token::read_come_back(&secrets, ["letter"], text) {
        assert_eq!(token::come_back(&secrets, "letter", recipient, left), text.trim().to_ascii_lowercase());
    }
    // 96 bits of signature are not guessed: what is read from any text is what that text says when it is written.
    if let Some((_, recipient)) = token::read_leave(&secrets, ["letter"], text) {
        assert_eq!(token::leave(&secrets, "letter", recipient), text.trim().to_ascii_lowercase());
    }
    if let Some((edition, recipient)) = token::read_bounce(&secrets, text) {
        assert_eq!(token::bounce(&secrets, edition, recipient), text.trim().to_ascii_lowercase());
    }
    // Those of joining, and the operator's.
    let (kind, shown) = ("join", joining::form_time(&secrets, "letter", recipient));
    assert_eq!(joining::read_form_time(&secrets, "letter", &shown), Some(recipient));
    let confirm = joining::confirm(&secrets, kind, "letter", recipient, i64::from(edition));
    let read = joining::read_confirm(&secrets, kind, ["other", "letter"], &confirm);
    assert_eq!(read, Some(("letter", recipient, i64::from(edition))));
    assert_eq!(token::read_come_back(&secrets, ["letter"], &confirm), None);
    assert_eq!(joining::read_confirm(&secrets, kind, ["letter"], &back), None);
    if let Some(shown) = joining::read_form_time(&secrets, "letter", text) {
        assert_eq!(joining::form_time(&secrets, "letter", shown), text.trim().to_ascii_lowercase());
    }
    if let Some((_, recipient, asked)) = joining::read_confirm(&secrets, kind, ["letter"], text) {
        assert_eq!(joining::confirm(&secrets, kind, "letter", recipient, asked), text.trim().to_ascii_lowercase());
    }
    if token::is_status(&secrets, text) {
        assert_eq!(token::status(&secrets), text.trim().to_ascii_lowercase());
    }
});
