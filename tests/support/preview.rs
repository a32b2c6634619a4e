//! The preview, running, and a tab of Chromium that shows it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::browser::{node_modules, program};
use super::project::Project;
use super::{has_program, peer_or_skip};

/// `crieur preview`, until it is dropped.
pub struct Preview {
    process: Child,
    /// Ends in `/`.
    pub url: String,
}

impl Preview {
    pub fn of(project: &Project) -> Preview {
        let mut command = project.command(&["--json", "--quiet", "preview", "--port", "0"]);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut told = String::new();
        for line in BufReader::new(process.stdout.take().expect("its output")).lines() {
            let line = line.expect("a line");
            told.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
        Preview { process, url: told["url"].as_str().expect("its address").to_string() }
    }

    /// What is at an address below the page's: status and text.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.get_as(path, &[])
    }

    pub fn get_as(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.call().expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("text"))
    }

    /// Posts a form as the page's script does.
    pub fn post(&self, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = agent().post(format!("{}{path}", self.url)).header("accept", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send_form(form.iter().copied()).expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("text"))
    }

    /// Asks until the answer is as it should be; the last answer if it never is.
    pub fn until(&self, path: &str, right: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let (_, text) = self.get(path);
            if right(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    let settings = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    settings.timeout_global(Some(Duration::from_secs(20))).build().into()
}

/// A tab of Chromium: `browser/tab.cjs` drives it. It may ask the preview, and nobody else.
pub struct Tab {
    node: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Tab {
    /// Opens an address, or says why the test is skipped.
    pub fn open(test: &str, url: &str) -> Option<Tab> {
        Tab::open_with(test, url, true)
    }

    /// The same, in a browser that may run no script where there are to be none.
    pub fn open_with(test: &str, url: &str, scripts: bool) -> Option<Tab> {
        let modules = node_modules().filter(|modules| modules.join("playwright-core").exists());
        if !peer_or_skip(test, "node", has_program("node", "--version"))
            || !peer_or_skip(test, "chromium", has_program("chromium", "--version"))
            || !peer_or_skip(test, "playwright-core and axe-core (npm)", modules.is_some())
        {
            return None;
        }
        let mut node = std::process::Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/browser/tab.cjs"))
            .arg(url)
            .env("CRIEUR_TEST_NODE_MODULES", modules?)
            .env("CRIEUR_TEST_CHROMIUM", program("chromium")?)
            .env("CRIEUR_TEST_SCRIPTS", if scripts { "on" } else { "off" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let output = BufReader::new(node.stdout.take().expect("its output"));
        let mut tab = Tab { input: node.stdin.take(), node, output };
        tab.answer();
        Some(tab)
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the tab answers");
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(answer.get("failed"), None, "{}", answer["failed"].as_str().unwrap_or_default());
        answer["value"].clone()
    }

    fn ask(&mut self, job: Value) -> Value {
        writeln!(self.input.as_mut().expect("its input"), "{job}").expect("the tab listens");
        self.answer()
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        self.ask(json!({ "value": expression }))
    }

    /// Waits until an expression in the page is true.
    pub fn wait(&mut self, expression: &str) {
        self.ask(json!({ "wait": expression }));
    }

    /// Another page in the same tab.
    pub fn go(&mut self, url: &str) {
        self.ask(json!({ "open": url }));
    }

    /// Types where the focus is.
    pub fn write(&mut self, text: &str) {
        self.ask(json!({ "type": text }));
    }

    pub fn press(&mut self, key: &str) {
        self.ask(json!({ "press": key }));
    }

    pub fn click(&mut self, selector: &str) {
        self.ask(json!({ "click": selector }));
    }

    pub fn fill(&mut self, selector: &str, text: &str) {
        self.ask(json!({ "fill": selector, "text": text }));
    }

    pub fn size(&mut self, width: u32, height: u32) {
        self.ask(json!({ "size": { "width": width, "height": height } }));
    }

    pub fn dark(&mut self, dark: bool) {
        self.ask(json!({ "dark": dark }));
    }

    pub fn reload(&mut self) {
        self.ask(json!({ "reload": true }));
    }

    /// Draws the whole page.
    pub fn screenshot(&mut self, path: &std::path::Path) {
        self.ask(json!({ "screenshot": path }));
    }

    /// What axe-core finds wrong, frames included.
    pub fn violations(&mut self) -> Value {
        self.ask(json!({ "axe": true }))
    }

    /// Scripts that failed, and addresses beyond the preview that were asked for.
    pub fn complaints(&mut self) -> Value {
        self.ask(json!({ "complaints": true }))
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        drop(self.input.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if matches!(self.node.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}
