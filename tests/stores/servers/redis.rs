use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::LazyLock;

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Server, find_program, new_dir, text, wait_for};

/// A Redis of one's own.
pub struct Redis {
    server: Server,
    command: Vec<String>,
    dir: TempDir,
}

impl Redis {
    /// One that forgets everything when it stops.
    pub fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// One with further arguments.
    pub fn with(arguments: &[&str]) -> Self {
        Self::behind(&[], arguments)
    }

    /// One that another program starts, such as `faketime`.
    pub fn behind(wrapper: &[&str], arguments: &[&str]) -> Self {
        let dir = new_dir();
        let program = find_program("redis-server", "redis-server", &[]);
        let mut command: Vec<String> = wrapper.iter().copied().map(str::to_owned).collect();
        let socket = text(&dir.path().join("redis.sock"));
        let own = ["--port", "0", "--unixsocket", &socket];
        command.push(text(&program));
        command.extend(own.iter().chain(arguments).copied().map(str::to_owned));
        command.extend(["--dir".to_owned(), text(dir.path())]);
        let server = Server::start(&command, None, dir.path(), "KILL");
        let redis = Self {
            server,
            command,
            dir,
        };
        redis.wait();
        redis
    }

    /// One for all tests of this process. Events have random keys.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Redis> = LazyLock::new(Redis::start);
        &SHARED
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", text(&self.socket()))
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// Stops it where it is, without closing its connections.
    pub fn pause(&self) {
        self.server.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.server.signal(Signal::CONT);
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.server.stop(Signal::KILL);
    }

    /// Starts it again, with what it has written to its disk.
    pub fn restart(&mut self) {
        self.stop();
        self.server = Server::start(&self.command, None, self.dir.path(), "KILL");
        self.wait();
    }

    fn wait(&self) {
        wait_for("Redis", || UnixStream::connect(self.socket()).ok());
    }
}
