//! The examples as child processes, over real sockets.
//!
//! They are built by `cargo test` and `cargo nextest run`; with `--test it`
//! cargo leaves out that step, and what was built before is tested.

mod frames;
mod hyper;
#[cfg(feature = "client-cert")]
mod tls;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Ends a test that hangs; nothing is expected to take this long.
const PATIENCE: Duration = Duration::from_secs(60);

struct Example {
    child: Child,
    stdin: ChildStdin,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    address: SocketAddr,
}

impl Example {
    fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        let mut binary = std::env::current_exe().unwrap();
        binary.pop();
        binary.set_file_name("examples");
        binary.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        assert!(
            binary.exists(),
            "{} is missing: run `cargo build --examples --all-features` first",
            binary.display()
        );
        let mut child = Command::new(binary)
            .env("PORT", "0")
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        let mut example = Self {
            child,
            stdin,
            stdout,
            stderr,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let first = example.say("Listening on ").pop().unwrap();
        example.address = first.rsplit('/').next().unwrap().parse().unwrap();
        example
    }

    /// The lines on stdout up to the first that holds `text`.
    fn say(&self, text: &str) -> Vec<String> {
        wait_for(&self.stdout, text)
    }

    /// The lines on stderr up to the first that holds `text`.
    fn log(&self, text: &str) -> Vec<String> {
        wait_for(&self.stderr, text)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn run(&self, command: &Curl) -> Response {
        assert_eq!(command.server, self.address.to_string());
        let stream = self.connect();
        #[cfg(feature = "client-cert")]
        if let Some(files) = &command.tls {
            return exchange(tls::connect(stream, files), command);
        }
        exchange(stream, command)
    }
}

fn exchange(mut stream: impl Read + Write, command: &Curl) -> Response {
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
        command.path,
        command.server,
        command.body.len()
    );
    for header in &command.headers {
        head += header;
        head += "\r\n";
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses the headers need not take the body.
    let _ = stream.write_all(&command.body);
    Response::read(stream)
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn wait_for(lines: &Receiver<String>, text: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => seen.push(line),
            Err(error) => panic!("no {text:?} ({error}) in {seen:#?}"),
        }
        if seen.last().unwrap().contains(text) {
            return seen;
        }
    }
}

struct Response {
    status: u16,
    body: String,
}

impl Response {
    fn read(mut from: impl Read) -> Self {
        let mut bytes = Vec::new();
        // What was answered counts, even if the connection is reset after it.
        let _ = from.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no response: {text:?}"));
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: body.to_owned(),
        }
    }
}

/// A printed command line: the request it makes, and how often.
#[derive(Default)]
struct Curl {
    server: String,
    path: String,
    headers: Vec<String>,
    body: Vec<u8>,
    times: usize,
    #[cfg(feature = "client-cert")]
    tls: Option<tls::Files>,
}

impl Curl {
    fn parse(line: &str) -> Self {
        let mut curl = Self {
            times: 1,
            ..Self::default()
        };
        let mut words = words(line);
        while let Some(word) = words.pop_front() {
            let mut next = || words.pop_front().unwrap();
            match word.as_str() {
                "-H" => curl.headers.push(next()),
                "-d" => curl.body = next().into_bytes(),
                "-c" => curl.body = vec![0; next().parse().unwrap()],
                "$(seq" => curl.times = next().trim_end_matches(");").parse().unwrap(),
                #[cfg(feature = "client-cert")]
                "--cacert" => curl.tls.get_or_insert_default().ca = next(),
                #[cfg(feature = "client-cert")]
                "--cert" => curl.tls.get_or_insert_default().certificate = Some(next()),
                #[cfg(feature = "client-cert")]
                "--key" => curl.tls.get_or_insert_default().key = Some(next()),
                url if url.starts_with("http://") || url.starts_with("https://") => {
                    let (_, url) = url.split_once("://").unwrap();
                    let (server, path) = url.split_once('/').unwrap();
                    curl.server = server.to_owned();
                    curl.path = format!("/{path}");
                }
                _ => {}
            }
        }
        curl
    }
}

/// What a shell makes of a line with nothing but single quotes in it.
fn words(line: &str) -> VecDeque<String> {
    let mut words = VecDeque::from([String::new()]);
    for (position, piece) in line.split('\'').enumerate() {
        let quoted = position % 2 == 1;
        let mut parts = if quoted {
            vec![piece]
        } else {
            piece.split(' ').collect()
        }
        .into_iter();
        *words.back_mut().unwrap() += parts.next().unwrap();
        words.extend(parts.map(str::to_owned));
    }
    words
}

/// The commands among `lines`, each with the line above it.
fn commands(lines: &[String]) -> Vec<(&str, Curl)> {
    lines
        .windows(2)
        .filter_map(|pair| Some((pair[0].strip_prefix("# ")?, Curl::parse(&pair[1]))))
        .collect()
}

/// Runs every printed command and checks its status against the promise.
fn keep_promises(example: &Example, lines: &[String]) -> Vec<(String, Response)> {
    let mut answers = Vec::new();
    for (promise, command) in commands(lines) {
        let (promised, _) = promise.split_once(':').unwrap();
        let promised: Vec<u16> = promised
            .split(" then ")
            .map(|status| status.parse().unwrap())
            .collect();
        let mut responses: Vec<Response> =
            (0..command.times).map(|_| example.run(&command)).collect();
        let mut statuses: Vec<u16> = responses.iter().map(|response| response.status).collect();
        statuses.dedup();
        assert_eq!(statuses, promised, "{promise}");
        answers.push((promise.to_owned(), responses.pop().unwrap()));
    }
    answers
}

#[test]
fn quickstart_does_what_its_commands_promise() {
    let example = Example::start("quickstart", &[]);
    let answers = keep_promises(&example, &example.say("Ctrl-C ends"));

    assert_eq!(answers.len(), 11);
    let processed = |(_, response): &&(String, Response)| response.body.contains("processed");
    let promises: Vec<&str> = answers
        .iter()
        .filter(processed)
        .map(|(promise, _)| promise.as_str())
        .collect();
    assert_eq!(promises.len(), 6);
    assert!(promises.iter().all(|promise| promise.contains("genuine")));

    // Each for its own reason, in the order of the commands.
    for reason in [
        "processed provider=\"stripe\"",
        "webhook duplicate",
        "kind=\"signature_mismatch\"",
        "kind=\"timestamp_too_old\"",
        "kind=\"body_too_large\"",
        "kind=\"rate_limited\"",
    ] {
        example.log(reason);
    }
}

#[test]
fn custom_provider_does_what_its_commands_promise() {
    let example = Example::start("custom_provider", &[]);
    let answers = keep_promises(&example, &example.say("Ctrl-C ends"));
    assert_eq!(answers.len(), 2);
    example.say("parcel.delivered");
}

#[test]
fn compose_judges_callers_behind_its_proxy_by_a_list_that_is_replaced() {
    let mut example = Example::start("compose", &[]);
    let lines = example.say("Type networks");
    assert_eq!(keep_promises(&example, &lines).len(), 4);

    writeln!(example.stdin, "not a network").unwrap();
    example.say("Left as it was");
    writeln!(example.stdin, "198.51.100.0/24").unwrap();
    example.say("Replaced");

    let statuses: Vec<u16> = commands(&lines)
        .iter()
        .map(|(_, command)| example.run(command).status)
        .collect();
    assert_eq!(statuses, [403, 403, 200, 200]);
}

#[cfg(feature = "client-cert")]
#[test]
fn mtls_does_what_its_commands_promise() {
    // It is killed, and cannot tidy up.
    let temporary = ("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    let example = Example::start("mtls", &[temporary]);
    let answers = keep_promises(&example, &example.say("Ctrl-C ends"));
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0].1.body, "processed\n");
    for reason in [
        "no signature matches",
        "the certificate is for another DNS name",
        "the connection shows no client certificate",
    ] {
        example.log(reason);
    }
}
