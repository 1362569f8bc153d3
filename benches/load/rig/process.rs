//! The server's process, seen from outside.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::server::Settings;

/// Ends with this value.
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    pub address: SocketAddr,
}

/// What the server counted.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Calls of the handlers.
    pub calls: u64,
    /// Events for which a handler ran.
    pub events: u64,
    /// Events for which it ran more than once.
    pub repeated: u64,
    /// Rows in the store.
    pub rows: u64,
    /// Handlers that are still running.
    pub running: u64,
}

impl Server {
    /// This program again, with `arguments` that make it one.
    pub fn start(settings: Settings, arguments: &[&str]) -> Self {
        let (variable, value) = settings.variable();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .env(variable, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self {
            child,
            input,
            output,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        server.address = server.line().parse().unwrap();
        server
    }

    /// The next line that is not the test harness's.
    fn line(&mut self) -> String {
        loop {
            let line = self.output.next().unwrap().unwrap();
            if let Some((_, line)) = line.split_once('@') {
                return line.to_owned();
            }
        }
    }

    pub fn counts(&mut self) -> Counts {
        writeln!(self.input.as_ref().unwrap()).unwrap();
        let line = self.line();
        let mut numbers = line.split(' ').map(|number| number.parse().unwrap());
        let mut next = || numbers.next().unwrap();
        Counts {
            calls: next(),
            events: next(),
            repeated: next(),
            rows: next(),
            running: next(),
        }
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    /// Resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = self.file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let words = line.unwrap().trim();
        words.trim_end_matches(" kB").parse().unwrap()
    }

    /// How long its threads have run. None of those that count ends before it.
    pub fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanos = threads.filter_map(|thread| {
            let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Open file descriptors.
    pub fn descriptors(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        open.unwrap().count()
    }

    /// Waits until there are no more file descriptors than `before`, for as
    /// long as the server may keep a connection open, and as much again.
    /// Answers how many there are.
    pub async fn descriptors_back_to(&self, before: usize) -> usize {
        for _ in 0..600 {
            if self.descriptors() <= before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.descriptors()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
