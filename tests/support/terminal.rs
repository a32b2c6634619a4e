//! A terminal for one program (tmux, with a server of its own), and what stands on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::{has_program, peer_or_skip};

pub struct Terminal {
    socket: PathBuf,
    home: tempfile::TempDir,
}

impl Terminal {
    /// Shows a letter in mutt, in a terminal of this size, or says why the test is skipped.
    pub fn mutt(test: &str, letter: &Path, columns: u32, rows: u32) -> Option<Terminal> {
        if !peer_or_skip(test, "mutt", has_program("mutt", "-v"))
            || !peer_or_skip(test, "tmux", has_program("tmux", "-V"))
        {
            return None;
        }
        let home = tempfile::tempdir().expect("a folder");
        for folder in ["Mail", "box/cur", "box/new", "box/tmp"] {
            std::fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        // With the line ends that a mail server writes in a Maildir.
        let text = std::fs::read_to_string(letter).expect("a letter").replace("\r\n", "\n");
        std::fs::write(home.path().join("box/cur/letter:2,S"), text).expect("a copy");
        let settings = "set charset=utf-8\nalternative_order text/plain\nignore *\n\
                        unignore from date subject to\ncolor status white blue\ncolor hdrdefault cyan default\n\
                        color indicator black white\npush '<display-message>'\n";
        std::fs::write(home.path().join("muttrc"), settings).expect("settings");
        let terminal = Terminal { socket: home.path().join("tmux"), home };
        let at = |name: &str| terminal.home.path().join(name).display().to_string();
        let mutt = format!(
            "TERM=screen-256color HOME={} LC_ALL=C.UTF-8 mutt -n -F {} -R -f {}",
            at(""),
            at("muttrc"),
            at("box")
        );
        let size = [columns.to_string(), rows.to_string()];
        let started = terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &size[0], "-y", &size[1], &mutt]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(arguments).env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        command.output().expect("tmux runs")
    }

    pub fn press(&self, key: &str) {
        assert!(self.tmux(&["send-keys", key]).status.success());
    }

    /// What stands there once it says `words`, with the codes of its colours.
    pub fn shows(&self, words: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let plain = String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned();
            if plain.contains(words) {
                return String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-e"]).stdout).into_owned();
            }
            assert!(Instant::now() < deadline, "{words} never came:\n{plain}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Its own server, by its socket: no other tmux is touched.
        let _ = self.tmux(&["kill-server"]);
    }
}

/// What a terminal shows, as a page: the colours that programs in it use, on black.
pub fn as_page(shown: &str) -> String {
    const COLOURS: [&str; 8] =
        ["#000000", "#d75f5f", "#87af5f", "#d7af5f", "#3465a4", "#af87d7", "#5fafd7", "#e4e4e4"];
    let escaped = shown.trim_end().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut lines = String::new();
    let (mut ink, mut paper, mut bold, mut turned) = ("#e4e4e4", "#111111", false, false);
    for line in escaped.lines() {
        lines.push_str("<div>");
        for (index, piece) in line.split("\u{1b}[").enumerate() {
            let (codes, text) = if index == 0 { ("", piece) } else { piece.split_once('m').unwrap_or(("", piece)) };
            for code in codes.split(';').filter(|_| index > 0) {
                let colour = |first: usize| {
                    code.parse().ok().and_then(|code: usize| COLOURS.get(code.checked_sub(first)?).copied())
                };
                match code {
                    "" | "0" => (ink, paper, bold, turned) = ("#e4e4e4", "#111111", false, false),
                    "1" => bold = true,
                    "7" => turned = true,
                    "27" => turned = false,
                    "39" => ink = "#e4e4e4",
                    "49" => paper = "#111111",
                    _ => (ink, paper) = (colour(30).unwrap_or(ink), colour(40).unwrap_or(paper)),
                }
            }
            let (front, back) = if turned { (paper, ink) } else { (ink, paper) };
            let weight = if bold { "bold" } else { "normal" };
            lines.push_str(&format!(
                "<span style=\"color:{front};background:{back};font-weight:{weight}\">{text}</span>"
            ));
        }
        lines.push_str("&#8203;</div>");
    }
    format!(
        "<!DOCTYPE html><html lang=\"fr\"><meta charset=\"utf-8\"><title>Terminal</title><body style=\"margin:0;padding:8px;background:#111111\">\
         <div style=\"font:14px/18px 'Liberation Mono','DejaVu Sans Mono',monospace;white-space:pre\">{lines}</div></body></html>"
    )
}
