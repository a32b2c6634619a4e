//! Any bytes as a form's body, in both of its forms and under any media type: values without control characters, not longer
//! than they may be, and what a browser sends is read as it was typed.
#![no_main]

use crieur::web::form::Form;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = ["email", "name", "topics", "List-Unsubscribe"];
/// A value, in bytes.
const MOST: usize = 4096;

fn look(form: &Form) {
    for name in NAMES {
        assert_eq!(form.has(name), form.all(name).next().is_some());
        for value in form.all(name) {
            assert!(value.len() <= MOST && !value.chars().any(|c| c.is_control() && c != '\n'), "{value:?}");
        }
    }
}

fuzz_target!(|input: (&str, &[u8])| {
    let (text, bytes) = input;
    look(&Form::read("application/x-www-form-urlencoded", bytes));
    look(&Form::read("multipart/form-data; boundary=b", bytes));
    look(&Form::read(&format!("multipart/form-data; {text}"), bytes));
    look(&Form::read(text, bytes));
    // Parts that begin and end, so that the fuzzer finds what stands in them.
    let part = format!("--b\r\nContent-Disposition: form-data; name=\"email\"\r\n{text}\r\n\r\n");
    look(&Form::read("multipart/form-data; boundary=b", &[part.as_bytes(), bytes, b"\r\n--b--\r\n"].concat()));

    let typed: String = text.chars().filter(char::is_ascii_graphic).take(100).collect();
    let encoded: String = typed.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = Form::read("application/x-www-form-urlencoded", format!("name=x&email={encoded}&topics=").as_bytes());
    assert_eq!((form.get("name"), form.get("email"), form.get("topics")), ("x", typed.as_str(), ""));
    if !typed.contains("--") {
        let part = "--bo-un-dary\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n";
        let body = format!("{part}{typed}\r\n--bo-un-dary--\r\n");
        let form = Form::read("multipart/form-data; boundary=bo-un-dary", body.as_bytes());
        assert_eq!(form.get("email"), typed);
    }
});
