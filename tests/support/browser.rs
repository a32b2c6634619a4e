//! Chromium as a peer that looks at pages: `browser/driver.cjs` drives it, by Playwright, and never lets it out to a network.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{has_program, peer_or_skip};

/// One Chromium for all tests that ask for it one after the other: several at once would only share the same cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub struct Browser {
    node: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    _turn: std::sync::MutexGuard<'static, ()>,
}

/// A look at a page: a job of the driver, made by naming what differs from a plain look at 640 pixels.
#[derive(Clone)]
pub struct Look(Value);

impl Look {
    /// At a letter's or a page's file, with nothing remote answered.
    pub fn at(file: &Path) -> Look {
        Look(json!({ "file": file, "width": 640 }))
    }

    /// At a page given as text.
    pub fn at_page(page: &str) -> Look {
        Look(json!({ "page": page, "width": 640 }))
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Look {
        self.0[key] = value.into();
        self
    }

    pub fn wide(self, width: u32) -> Look {
        self.with("width", width)
    }

    pub fn dark(self, dark: bool) -> Look {
        self.with("dark", dark)
    }

    /// Device pixels for one of the page's: 2 at a width of 320 is what 200 % of zoom shows on 640.
    pub fn scale(self, scale: u32) -> Look {
        self.with("scale", scale)
    }

    /// The files of these folders are there at the site's address.
    pub fn pictures(self, sites: &Value) -> Look {
        self.with("sites", sites.clone())
    }

    /// HTML that a gateway puts in right after `<body>`.
    pub fn banner(self, html: &str) -> Look {
        self.with("banner", html)
    }

    /// Also measured at each of these widths.
    pub fn widths(self, widths: impl IntoIterator<Item = u32>) -> Look {
        self.with("widths", widths.into_iter().collect::<Vec<_>>())
    }

    /// Also read by axe-core, but for these rules.
    pub fn axe_without(self, rules: &[&str]) -> Look {
        let off: serde_json::Map<String, Value> =
            rules.iter().map(|rule| (rule.to_string(), json!({ "enabled": false }))).collect();
        self.with("axe", json!({ "rules": off }))
    }

    /// Also read by axe-core, by this rule alone.
    pub fn axe_only(self, rule: &str) -> Look {
        self.with("axe", json!({ "runOnly": [rule] }))
    }

    /// Also drawn, from the top down to `at_most` pixels.
    pub fn screenshot(self, path: &Path, at_most: u32) -> Look {
        self.with("screenshot", json!(path)).with("at_most", at_most)
    }
}

impl Browser {
    /// Starts one, or says why the test is skipped.
    pub fn start(test: &str) -> Option<Browser> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let modules = node_modules().filter(|modules| modules.join("playwright-core").exists());
        if !peer_or_skip(test, "node", has_program("node", "--version"))
            || !peer_or_skip(test, "chromium", has_program("chromium", "--version"))
            || !peer_or_skip(test, "playwright-core and axe-core (npm)", modules.is_some())
        {
            return None;
        }
        let mut node = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/browser/driver.cjs"))
            .env("CRIEUR_TEST_NODE_MODULES", modules?)
            .env("CRIEUR_TEST_CHROMIUM", program("chromium")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let output = BufReader::new(node.stdout.take().expect("its output"));
        Some(Browser { input: node.stdin.take(), node, output, _turn: turn })
    }

    /// What is seen.
    pub fn look(&mut self, look: &Look) -> Value {
        let input = self.input.as_mut().expect("its input");
        writeln!(input, "{}", look.0).expect("the driver listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the driver answers");
        let seen: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(seen.get("failed"), None, "{}", seen["failed"].as_str().unwrap_or_default());
        assert_eq!(seen["errors"], json!([]));
        seen
    }
}

impl Drop for Browser {
    /// The driver ends, and its Chromium with it, when nothing more comes; it is ended when it does not.
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

/// Where npm's packages are: as the test command says, else where it puts them.
pub fn node_modules() -> Option<PathBuf> {
    let named = std::env::var_os("CRIEUR_TEST_NODE_MODULES").map(PathBuf::from);
    let usual = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/node_modules"));
    named.or(Some(usual)).filter(|folder| folder.is_dir())
}

/// A program's path.
pub fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The list under a key, for tests that walk it.
pub fn list<'a>(seen: &'a Value, key: &str) -> &'a [Value] {
    seen[key].as_array().map_or(&[], Vec::as_slice)
}
