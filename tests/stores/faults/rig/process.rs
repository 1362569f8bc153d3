use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::worker::SETUP;
use super::{Answer, Backend, Effects, Guard, Setup, deliver};

/// How long something may take that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a worker's claims hold, if nothing else is said. No test takes as
/// long: leases end when the rows are moved.
pub const LEASE: Duration = Duration::from_secs(120);

/// A [worker](super::worker) and what it says.
pub struct Worker {
    process: Child,
    input: ChildStdin,
    said: Receiver<String>,
    socket: PathBuf,
    _dir: TempDir,
}

/// How a worker is started.
#[must_use]
pub struct Start(Setup);

impl Start {
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.name);
        self
    }

    /// It waits at `point` until it is told to [pass](Worker::pass).
    pub fn stopping_at(mut self, point: &str) -> Self {
        self.0.stops.push(point.to_owned());
        self
    }

    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.0.lease = lease;
        self
    }

    /// It remembers by itself what is done.
    pub fn reading_through(mut self) -> Self {
        self.0.read_through = true;
        self
    }

    /// It does not say where it is.
    pub fn quiet(mut self) -> Self {
        self.0.quiet = true;
        self
    }

    pub fn answering(mut self, status: u16) -> Self {
        self.0.status = status;
        self
    }

    pub fn start(mut self) -> Worker {
        let dir = tempfile::Builder::new().prefix("twh-").tempdir_in("/tmp");
        let dir = dir.unwrap();
        self.0.socket = dir.path().join("worker.sock");
        let test = concat!(module_path!(), "::serve").replace("::process::", "::worker::");
        let (_, test) = test.split_once("::").unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env(SETUP, serde_json::to_string(&self.0).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (say, said) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test's name may stand before the first.
                if let Some((_, line)) = line.split_once('@') {
                    let _ = say.send(line.to_owned());
                }
            }
        });
        let worker = Worker {
            input: process.stdin.take().unwrap(),
            process,
            said,
            socket: self.0.socket,
            _dir: dir,
        };
        worker.says("ready");
        worker
    }
}

impl Worker {
    /// One with a lease that does not end by itself.
    pub fn behind(guard: Guard, effects: &Effects) -> Start {
        Start(Setup {
            name: "worker".to_owned(),
            socket: PathBuf::new(),
            guard,
            effects: effects.clone(),
            lease: LEASE,
            store_timeout: Duration::from_secs(2),
            status: 200,
            read_through: false,
            quiet: false,
            stops: Vec::new(),
        })
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits until it says something that starts with `what`, and returns it.
    /// What it says before is passed over.
    pub fn says(&self, what: &str) -> String {
        self.says_one_of(&[what])
    }

    pub fn says_one_of(&self, what: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut passed_over = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(said) if what.iter().any(|what| said.starts_with(what)) => return said,
                Ok(said) => passed_over.push(said),
                Err(_) => panic!("the worker did not say {what:?}, but {passed_over:?}"),
            }
        }
    }

    pub fn reaches(&self, point: &str) {
        self.says(&format!("at {point}"));
    }

    /// Whether it said something that starts with `what` and was not passed
    /// over yet.
    pub fn has_said(&self, what: &str) -> bool {
        self.said.try_iter().any(|said| said.starts_with(what))
    }

    /// Lets it pass `point`, from now on.
    pub fn pass(&mut self, point: &str) {
        writeln!(self.input, "pass {point}").unwrap();
    }

    /// Lets it wait at `point`, from now on.
    pub fn stop(&mut self, point: &str) {
        writeln!(self.input, "stop {point}").unwrap();
        self.says(&format!("stops at {point}"));
    }

    /// Delivers the event as a sender does that is told to come again, and
    /// lets a lease pass each time, until it is acknowledged.
    pub async fn acknowledges(&self, event: &str, store: &Backend) {
        for _ in 0..20 {
            let answer = self.answer(event).await;
            if answer == Answer::OK {
                return;
            }
            answer.is_refusal();
            store.advance(LEASE).await;
        }
        panic!("{event} was never acknowledged");
    }

    /// What it answers to a delivery of the event.
    pub async fn answer(&self, event: &str) -> Answer {
        deliver(&self.socket, event).await.unwrap()
    }

    /// Delivers the event, without waiting for the answer.
    pub fn send(&self, event: &str) -> tokio::task::JoinHandle<std::io::Result<Answer>> {
        let (socket, event) = (self.socket.clone(), event.to_owned());
        tokio::spawn(async move { deliver(&socket, &event).await })
    }

    /// As the kernel does that runs out of memory.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
