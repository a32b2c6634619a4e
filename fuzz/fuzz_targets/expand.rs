//! Template code of any shape: titles and bodies never show any, outside code.

#![no_main]

use libfuzzer_sys::fuzz_target;

mod project;

fuzz_target!(|text: &str| {
    let (item, renderer) = project::with_body(text);
    let line = renderer.line(&item, text);
    assert!(!line.contains("{{") && !line.contains("{%"));
    // Between tags that open and close, so that the fuzzer finds the interpreter.
    let (item, _) =
        project::with_body(&format!("{{% for key in keys %}}{{% if key == 'x' %}}{text}{{% endif %}}{{% endfor %}}"));
    let _ = renderer.render(&item).html();
});
