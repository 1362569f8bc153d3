//! Private servers: own directories and sockets, no ports, nothing left behind.

mod postgres;
mod redis;

use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use self::postgres::Postgres;
pub use self::redis::Redis;

/// How long a server may take to start or to stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a process of its own, which ends when this is dropped, or when
/// the process of the test ends, however it ends.
struct Server {
    keeper: Child,
    /// The keeper waits for its end.
    lifeline: Option<ChildStdin>,
    pid: Pid,
}

/// Starts the server (its arguments), writes its process id to the file that
/// is the first argument, and waits until it is told to stop, or nobody holds
/// the other end of its input any more. Then it sends the signal that is the
/// second; in the latter case it removes the directory, too, for whoever was
/// killed or holds the server in a `static`.
const KEEPER: &str = r#"
pid_file=$1 signal=$2; shift 2
"$@" </dev/null & server=$!
echo $server > "$pid_file.new" && mv "$pid_file.new" "$pid_file"
read told
kill -"$signal" $server; kill -CONT $server
wait $server
[ "$told" ] || rm -rf "$PWD"
"#;

impl Server {
    fn start(command: &[String], user: Option<u32>, dir: &Path, stop: &str) -> Self {
        let pid_file = dir.join("server.pid");
        let _ = fs::remove_file(&pid_file);
        let mut log = fs::File::options();
        let log = log.append(true).create(true);
        let log = log.open(dir.join("server.log")).unwrap();
        let mut keeper = Command::new("/bin/sh");
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(&pid_file)
            .arg(stop)
            .args(command)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0);
        if let Some(user) = user {
            keeper.uid(user);
        }
        let mut keeper = keeper.spawn().expect("a shell");
        let lifeline = keeper.stdin.take();
        let pid = wait_for("the server's process", || {
            let text = fs::read_to_string(&pid_file).ok()?;
            Pid::from_raw(text.trim().parse().ok()?)
        });
        Self {
            keeper,
            lifeline,
            pid,
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Ends it with `signal`. Its directory stays.
    fn stop(&mut self, signal: Signal) {
        let Some(mut lifeline) = self.lifeline.take() else {
            return;
        };
        self.signal(signal);
        let _ = lifeline.write_all(b"stop\n");
        drop(lifeline);
        let _ = self.keeper.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.lifeline = None;
        let _ = self.keeper.wait();
    }
}

/// Waits for what another process is about to do.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory that is gone with the test. Under `/tmp`, because the paths of
/// sockets must be short.
fn new_dir() -> TempDir {
    tempfile::Builder::new()
        .prefix("twh-")
        .tempdir_in("/tmp")
        .unwrap()
}

pub fn find_program(name: &str, package: &str, places: &[PathBuf]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    on_path
        .chain(places.iter().cloned())
        .map(|place| place.join(name))
        .find(|program| program.exists())
        .unwrap_or_else(|| panic!("{name} is missing: apt-get install {package}"))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?}: {stderr}")))
}
