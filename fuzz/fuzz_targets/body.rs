//! Any body, with typography, bare links and raw HTML on: what comes out is fit to be read elsewhere.

#![no_main]

use libfuzzer_sys::fuzz_target;

mod project;

fuzz_target!(|text: &str| {
    let (item, renderer) = project::with_body(text);
    let body = renderer.render(&item);
    let html = body.html();
    for part in ["<iframe", "<script", "<svg", "<style", "<form", "\u{0}", "\u{8}"] {
        assert!(!html.contains(part), "{part}");
    }
    let _ = (body.text(), body.summary(80));
});
