//! A screen of its own for graphical programs (Xvfb), and Thunderbird on it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{has_program, peer_or_skip};

/// Thunderbird that asks nothing, looks nothing up, and has no account; its proxy answers nobody.
const PREFERENCES: &str = "app.donation.eoy.version.viewed 999\napp.normandy.enabled false\napp.update.auto false\napp.update.enabled false\n\
     browser.cache.disk.enable false\ndatareporting.policy.dataSubmissionEnabled false\n\
     datareporting.policy.dataSubmissionPolicyBypassNotification true\nextensions.update.enabled false\n\
     mail.account.account1.server \"server1\"\nmail.accountmanager.accounts \"account1\"\nmail.accountmanager.localfoldersserver \"server1\"\n\
     mail.inappnotifications.enabled false\nmail.openMessageBehavior 0\nmail.provider.suppress_dialog_on_startup true\nmail.rights.version 1\n\
     mail.server.server1.hostname \"Local Folders\"\nmail.server.server1.name \"Local Folders\"\nmail.server.server1.type \"none\"\n\
     mail.server.server1.userName \"nobody\"\nmail.shell.checkDefaultClient false\nmail.spotlight.firstRunDone true\n\
     mailnews.message_display.disable_remote_image true\nmailnews.start_page.enabled false\nmailnews.start_page_override.mstone \"ignore\"\n\
     messenger.startup.action 0\nnetwork.proxy.http \"127.0.0.1\"\nnetwork.proxy.http_port 9\nnetwork.proxy.ssl \"127.0.0.1\"\n\
     network.proxy.ssl_port 9\nnetwork.proxy.type 1\ntoolkit.telemetry.enabled false\n";

pub struct Screen {
    server: Child,
    display: String,
    programs: Vec<Child>,
    home: tempfile::TempDir,
    width: usize,
    height: usize,
}

/// What a screen shows: three bytes a pixel, row by row.
pub struct Shot {
    pub width: usize,
    pub pixels: Vec<[u8; 3]>,
}

impl Shot {
    /// How many pixels have this colour, but for what rounding does.
    pub fn count(&self, colour: [u8; 3]) -> usize {
        let near = |pixel: &&[u8; 3]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 2);
        self.pixels.iter().filter(near).count()
    }
}

impl Screen {
    /// Starts one, or says why the test is skipped.
    pub fn start(test: &str, width: usize, height: usize) -> Option<Screen> {
        for (peer, argument) in [("Xvfb", "-help"), ("import", "-version"), ("xwininfo", "-version")] {
            if !peer_or_skip(test, peer, has_program(peer, argument)) {
                return None;
            }
        }
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", &format!("{width}x{height}x24")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        // Its first line says which display it took.
        let mut number = String::new();
        let output = server.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut number).expect("the display's number");
        let display = format!(":{}", number.trim());
        let home = tempfile::tempdir().expect("a folder");
        Some(Screen { server, display, programs: Vec::new(), home, width, height })
    }

    /// Opens a letter in Thunderbird, and waits until its window has a name.
    pub fn thunderbird(&mut self, test: &str, letter: &Path, subject: &str) -> bool {
        if !peer_or_skip(test, "thunderbird", has_program("thunderbird", "--version")) {
            return false;
        }
        let profile = self.home.path().join("profile");
        fs::create_dir_all(&profile).expect("a profile");
        let preferences = PREFERENCES.lines().filter_map(|line| line.split_once(' '));
        let preferences: String =
            preferences.map(|(key, value)| format!("user_pref(\"{key}\", {value});\n")).collect();
        fs::write(profile.join("user.js"), preferences).expect("preferences");
        let mut command = Command::new("thunderbird");
        command.arg("--no-remote").arg("--profile").arg(&profile).arg(letter);
        command.env("HOME", self.home.path()).env("DISPLAY", &self.display).env("LC_ALL", "C.UTF-8");
        for variable in ["DBUS_SESSION_BUS_ADDRESS", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"] {
            command.env_remove(variable);
        }
        // In a group of its own: it starts others, and all of them end with the screen.
        let started = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.programs.push(started.expect("thunderbird starts"));
        let deadline = Instant::now() + Duration::from_secs(90);
        let mut windows = String::new();
        while Instant::now() < deadline {
            let listed = Command::new("xwininfo").args(["-root", "-tree", "-display", &self.display]).output();
            windows = String::from_utf8_lossy(&listed.expect("xwininfo runs").stdout).into_owned();
            if windows.contains(subject) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        panic!("thunderbird shows no letter: {windows}");
    }

    /// What is shown once `until` is content with it, or after half a minute.
    pub fn shot(&self, until: impl Fn(&Shot) -> bool) -> Shot {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let output = Command::new("import")
                .args(["-display", &self.display, "-window", "root", "-depth", "8", "rgb:-"])
                .output()
                .expect("import runs");
            let pixels: Vec<[u8; 3]> = output.stdout.chunks_exact(3).map(|rgb| [rgb[0], rgb[1], rgb[2]]).collect();
            assert_eq!(pixels.len(), self.width * self.height, "{}", String::from_utf8_lossy(&output.stderr));
            let shot = Shot { width: self.width, pixels };
            if until(&shot) || Instant::now() > deadline {
                return shot;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// The same as a picture in a file, whose ending says its kind.
    pub fn save(&self, path: &Path) {
        let saved = Command::new("import").args(["-display", &self.display, "-window", "root"]).arg(path).status();
        assert!(saved.expect("import runs").success());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let group = format!("-{}", program.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = program.wait();
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
