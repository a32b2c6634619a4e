//! A Debian package that is unpacked, not installed, and run where it alone sees itself laid over the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{is_root, peer_or_skip};

/// Lays an unpacked package over the system in a mount namespace, with the users that it wants, then runs the script.
const ENTER: &str = r#"
set -e
mount -t tmpfs tmpfs "$HERE/layers"
for part in etc usr var; do
  mkdir -p "$HERE/layers/$part.up" "$HERE/layers/$part.work" "$HERE/layers/$part.none"
  lower="$PACKAGE/$part"; [ -d "$lower" ] || lower="$HERE/layers/$part.none"
  mount -t overlay overlay -o "lowerdir=$lower:/$part,upperdir=$HERE/layers/$part.up,workdir=$HERE/layers/$part.work" "/$part"
done
echo 'Debian-exim:x:8:8::/nonexistent:/bin/false' >> /etc/passwd
echo 'Debian-exim:x:8:' >> /etc/group
for user in opensmtpd:911 opensmtpq:912; do
  echo "${user%:*}:x:${user#*:}:${user#*:}::/nonexistent:/bin/false" >> /etc/passwd
  echo "${user%:*}:x:${user#*:}:" >> /etc/group
done
echo "bounces:x:65534:65534::$HERE/boxes:/bin/sh" >> /etc/passwd
"#;

/// The package in a folder of its own; what it says is in the file `output` there.
pub struct Layered {
    folder: tempfile::TempDir,
    package: PathBuf,
    child: Option<Child>,
}

impl Layered {
    /// Makes its folder, with these in it. `None`: it is not there, or nobody may run it, and the test that asks is skipped.
    pub fn prepare(test: &str, name: &str, program: &str, folders: &[&str]) -> Option<Layered> {
        let package = std::env::var_os("CRIEUR_TEST_MTAS").map(|folder| PathBuf::from(folder).join(name));
        let package = package.unwrap_or_default();
        if !peer_or_skip(test, name, package.join(program).is_file()) {
            return None;
        }
        if !is_root() {
            println!("skipped: {test} needs {name} (root)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("crieur-layered").tempdir().expect("a folder");
        for part in folders.iter().chain(&["layers"]) {
            fs::create_dir(folder.path().join(part)).expect("a folder");
        }
        let opened = Command::new("chmod").arg("755").arg(folder.path()).status();
        assert!(opened.expect("chmod runs").success());
        let package = package.canonicalize().expect("the package's folder");
        Some(Layered { folder, package, child: None })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder, for configurations and scripts.
    pub fn path(&self) -> String {
        self.folder.path().to_str().expect("a path").to_string()
    }

    /// Runs a script there; `$HERE` is its folder. SIGTERM must end it.
    pub fn run(mut self, script: &str) -> Layered {
        let output = fs::File::create(self.folder.path().join("output")).expect("a file");
        let child = Command::new("unshare")
            .args(["-m", "sh", "-c"])
            .arg(format!("{ENTER}{script}"))
            .env("HERE", self.folder.path())
            .env("PACKAGE", &self.package)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the file"))
            .stderr(output)
            .spawn()
            .expect("unshare runs");
        self.child = Some(child);
        self
    }

    /// The process that is inside; 0 before there is one.
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Layered {
    /// By name: what it has under way ends with it.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}
