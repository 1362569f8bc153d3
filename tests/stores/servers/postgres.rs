use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

use super::{Server, find_program, new_dir, run, text, wait_for};

/// A PostgreSQL of one's own, with the user and the database `postgres`.
pub struct Postgres {
    server: Server,
    command: Vec<String>,
    dir: TempDir,
}

impl Postgres {
    /// One that does not wait for its disk. It survives [`restart`](Self::restart)
    /// all the same: what it has written stays with the operating system.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One with further settings, such as `max_connections=5`.
    pub fn with(settings: &[&str]) -> Self {
        let dir = new_dir();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if let Some(user) = user() {
            chown(dir.path(), Some(user), None).unwrap();
        }
        let data = dir.path().join("data");
        run(as_user(
            Command::new("cp").arg("-a").arg(template()).arg(&data),
        ))
        .unwrap();
        let mut command = vec![text(&program("postgres")), "-D".to_owned(), text(&data)];
        let socket = format!("unix_socket_directories={}", text(dir.path()));
        let own = [
            "listen_addresses=",
            &socket,
            "fsync=off",
            "full_page_writes=off",
            "shared_buffers=32MB",
            "max_connections=100",
        ];
        for setting in own.iter().chain(settings) {
            command.extend(["-c".to_owned(), (*setting).to_owned()]);
        }
        let postgres = Self {
            server: Server::start(&command, user(), dir.path(), "QUIT"),
            command,
            dir,
        };
        postgres.wait();
        postgres
    }

    /// One for all tests of this process, each with a table of its own.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Postgres> = LazyLock::new(Postgres::start);
        &SHARED
    }

    pub fn url(&self) -> String {
        let dir = text(self.dir.path());
        format!("postgres://postgres@localhost/postgres?host={dir}")
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join(".s.PGSQL.5432")
    }

    /// Stops all its processes where they are, without closing connections.
    pub fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Ends it at once, as a crash does: its processes are told to quit, open
    /// transactions are gone.
    pub fn stop(&mut self) {
        self.server.stop(Signal::QUIT);
    }

    /// Starts it again, with what was committed.
    pub fn restart(&mut self) {
        self.stop();
        self.server = Server::start(&self.command, user(), self.dir.path(), "QUIT");
        self.wait();
    }

    fn signal_all(&self, signal: Signal) {
        let pid = self.server.pid.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        self.server.signal(signal);
        for child in children.split_whitespace() {
            let child = Pid::from_raw(child.parse().unwrap()).unwrap();
            let _ = kill_process(child, signal);
        }
    }

    /// Until it answers: it listens before it has recovered.
    fn wait(&self) {
        wait_for("PostgreSQL", || {
            UnixStream::connect(self.socket()).ok()?;
            let status = self.dir.path().join("data/postmaster.pid");
            let status = fs::read_to_string(status).ok()?;
            matches!(status.lines().nth(7)?.trim(), "ready" | "standby").then_some(())
        });
    }
}

/// A fresh data directory, made once for a user and a version: that takes
/// seconds.
fn template() -> &'static Path {
    static TEMPLATE: LazyLock<PathBuf> = LazyLock::new(|| {
        let version = Command::new(program("postgres")).arg("--version").output();
        let version = String::from_utf8(version.unwrap().stdout).unwrap();
        let version = version.split_whitespace().nth(2).unwrap();
        let owner = user().unwrap_or_else(|| getuid().as_raw());
        let template = PathBuf::from(format!("/tmp/twh-postgres-{version}-{owner}"));
        if template.exists() {
            return template;
        }
        let dir = new_dir();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if let Some(user) = user() {
            chown(dir.path(), Some(user), None).unwrap();
        }
        let data = dir.path().join("data");
        let mut initdb = Command::new(program("initdb"));
        initdb.arg("-D").arg(&data).args([
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--wal-segsize=1",
        ]);
        run(as_user(&mut initdb)).unwrap();
        // Somebody else may have been faster.
        if fs::rename(&data, &template).is_err() {
            assert!(template.exists(), "{} cannot be made", template.display());
        }
        template
    });
    &TEMPLATE
}

fn program(name: &str) -> PathBuf {
    let places = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut places: Vec<_> = places
        .map(|entry| entry.unwrap().path().join("bin"))
        .collect();
    places.sort();
    find_program(name, "postgresql", &places)
}

/// PostgreSQL refuses to run as root.
fn user() -> Option<u32> {
    static USER: LazyLock<Option<u32>> = LazyLock::new(|| {
        getuid().is_root().then(|| {
            let id = Command::new("id")
                .args(["-u", "postgres"])
                .output()
                .unwrap();
            let id = String::from_utf8(id.stdout).unwrap();
            id.trim().parse().expect("a user named postgres")
        })
    });
    *USER
}

fn as_user(command: &mut Command) -> &mut Command {
    match user() {
        Some(user) => command.uid(user).current_dir("/tmp"),
        None => command,
    }
}
