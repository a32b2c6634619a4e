//! A real PostgreSQL for one process of tests: in a folder and on a loopback port of its own, a database for each test.
//!
//! Nothing but the standard library and PostgreSQL's own programs, so that the library's tests use it, too. A small shell
//! waits for the end of whoever started it and then stops the server by its number and removes the folder: also when the
//! tests panic, or are killed.
//!
//! Its texts are sorted as a language does (not by their bytes), as on most servers: what relies on the order of bytes
//! shows.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Who owns the databases.
pub const USER: &str = "crieur";
/// Who must say a password, and owns those of [`guarded_database`].
pub const GUARDED: &str = "guarded";
pub const PASSWORD: &str = "pass w:rd/@%";

struct Server {
    port: u16,
    programs: PathBuf,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// The address of an empty database of its own; `None`: PostgreSQL is not there, and the test is skipped by name.
pub fn database(test: &str) -> Option<String> {
    let (port, name) = owned_database(test, USER)?;
    Some(format!("postgres://{USER}@127.0.0.1:{port}/{name}"))
}

/// The port and the name of an empty database whose owner must say a password.
pub fn guarded_database(test: &str) -> Option<(u16, String)> {
    owned_database(test, GUARDED)
}

fn owned_database(test: &str, owner: &str) -> Option<(u16, String)> {
    let Some(server) = SERVER.get_or_init(Server::start) else {
        assert!(
            std::env::var("CRIEUR_TEST_PEERS").as_deref() != Ok("all"),
            "{test} needs postgresql, which every test run with CRIEUR_TEST_PEERS=all must have"
        );
        println!("skipped: {test} needs postgresql");
        return None;
    };
    let name = format!("{owner}_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    server.tell("postgres", &format!("CREATE DATABASE {name} OWNER {owner}"));
    Some((server.port, name))
}

/// What a statement prints in a database whose address [`database`] gave.
pub fn ask(address: &str, statement: &str) -> String {
    let server = SERVER.get().and_then(Option::as_ref).expect("a server");
    server.tell(address.rsplit('/').next().expect("a name"), statement)
}

impl Server {
    fn start() -> Option<Server> {
        let programs = programs()?;
        for _ in 0..3 {
            if let Some(server) = Server::try_start(&programs) {
                return Some(server);
            }
        }
        panic!("PostgreSQL in {} does not start", programs.display());
    }

    fn try_start(programs: &Path) -> Option<Server> {
        let folder = std::env::temp_dir().join(format!("crieur-postgres-{}-{}", std::process::id(), free_port()));
        fs::create_dir_all(&folder).expect("a folder");
        // It refuses to be root's: then it is another user's.
        let user =
            if is_root() { Some(["postgres", "nobody"].into_iter().find(|name| is_user(name))?) } else { None };
        let become_user = match user {
            Some(user) => {
                let owned = Command::new("chown").arg(user).arg(&folder).status().expect("chown runs");
                assert!(owned.success());
                format!("setpriv --reuid={user} --regid=$(id -g {user}) --clear-groups ")
            }
            None => String::new(),
        };
        let port = free_port();
        let (here, bin) = (folder.display(), programs.display());
        let locale =
            if version(programs) >= 15 { "--locale=C.UTF-8 --locale-provider=icu --icu-locale=fr" } else { "" };
        let script = format!(
            "cd {here}
             {become_user}{bin}/initdb -D {here}/data -U postgres -A trust -E UTF8 {locale} --no-sync >initdb.log 2>&1 || exit 1
             printf 'host all postgres 127.0.0.1/32 trust\\nhost all {GUARDED} 127.0.0.1/32 scram-sha-256\\n' > data/pg_hba.conf
             printf 'host all all 127.0.0.1/32 trust\\n' >> data/pg_hba.conf
             {become_user}{bin}/postgres -D {here}/data -p {port} -k '' -c listen_addresses=127.0.0.1 -c max_connections=200 \
                 </dev/null >postgres.log 2>&1 &
             server=$!
             cat >/dev/null
             kill -INT $server
             wait $server
             cd / && rm -rf {here}"
        );
        // Its input ends with whoever holds the other end: this process. It is kept until then.
        let mut keeper = Command::new("sh")
            .arg("-c")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let server = Server { port, programs: programs.to_path_buf() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() || !server.answers() {
            if keeper.try_wait().expect("a state").is_some() || Instant::now() > deadline {
                println!("{}", fs::read_to_string(folder.join("initdb.log")).unwrap_or_default());
                println!("{}", fs::read_to_string(folder.join("postgres.log")).unwrap_or_default());
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        std::mem::forget(keeper);
        for user in [USER, GUARDED] {
            server.tell("postgres", &format!("CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'"));
        }
        Some(server)
    }

    fn answers(&self) -> bool {
        let status = Command::new(self.programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status();
        status.is_ok_and(|status| status.success())
    }

    fn tell(&self, database: &str, statement: &str) -> String {
        let told = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-p", &self.port.to_string(), "-d", database, "-c", statement])
            .output()
            .expect("psql runs");
        assert!(told.status.success(), "{statement}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8_lossy(&told.stdout).trim_end().to_string()
    }
}

/// Where the newest server's programs are.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    found.retain(|path| ["initdb", "postgres", "psql"].iter().all(|program| path.join(program).exists()));
    found.sort_by_key(|path| version(path));
    found.pop()
}

/// From `/usr/lib/postgresql/VERSION/bin`.
fn version(programs: &Path) -> u32 {
    let folder = programs.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    folder.and_then(|name| name.parse().ok()).unwrap_or(0)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0\n"))
}

fn is_user(name: &str) -> bool {
    Command::new("id").arg(name).output().is_ok_and(|out| out.status.success())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port()
}

/// Each named test twice, under two names: `on_sqlite::NAME` and `on_postgres::NAME`. A `Place` of the module tells where.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name(super::Place::sqlite()); })+
        }
        mod on_postgres {
            $(#[test] fn $name() {
                if let Some(place) = super::Place::postgres(stringify!($name)) {
                    super::$name(place);
                }
            })+
        }
    };
}
pub(crate) use on_both_stores;
