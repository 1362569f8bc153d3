//! Two machines behind nginx that remember events together.
//!
//! ```sh
//! cargo run --example many_machines --features axum,postgres,redis,testing
//! ```
//!
//! Starts a Redis (or, with the argument `postgres`, a PostgreSQL), two
//! processes of the service in `machine.rs`, and nginx in front of them, which
//! sends requests to either in turn. Then it delivers webhooks and prints
//! which machine answered, and what. Everything is private and gone
//! afterwards. Needs the Debian packages `nginx-light` and `redis-server` or
//! `postgresql`.

#![expect(clippy::print_stdout, reason = "a terminal is where an example speaks")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "the servers are those of the tests"
)]

mod machine;
mod nginx;
#[allow(dead_code, reason = "the tests do more with them")]
#[path = "../../tests/stores/servers/mod.rs"]
mod servers;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::time::sleep;
use tower_webhook::provider;
use tower_webhook::testing::Signer;

use self::nginx::Nginx;
use self::servers::{Postgres, Redis};

const SECRET: &str = "whsec_many_machines";

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // This process again, as one of the machines.
    if let (Ok(name), Ok(store)) = (std::env::var("MACHINE"), std::env::var("STORE")) {
        return machine::run(name, &store).await;
    }
    match std::env::args().nth(1).as_deref() {
        None | Some("redis") => {
            let redis = Redis::start();
            show("Redis", &redis.url()).await
        }
        Some("postgres") => {
            let postgres = Postgres::start();
            show("PostgreSQL", &postgres.url()).await
        }
        Some(other) => Err(format!("{other:?} is neither redis nor postgres").into()),
    }
}

async fn show(store: &str, url: &str) -> Result<(), Failure> {
    let machines = [Machine::start("a", url)?, Machine::start("b", url)?];
    let nginx = Nginx::start(&machines.each_ref().map(|machine| machine.address))?;
    println!(
        "Machines a and b behind nginx at http://{}, events in {store}\n",
        nginx.address
    );
    let sender = Sender::new(nginx.address);

    println!("A payment, and the same event once more, to the other machine:");
    println!("  {}", sender.deliver("evt_1", "paid").await?);
    println!("  {}", sender.deliver("evt_1", "paid").await?);

    println!("A forged one:");
    println!("  {}", sender.forge("evt_2").await?);

    println!("A slow one, and a copy while it is being processed:");
    let slow = tokio::spawn({
        let sender = sender.clone();
        async move { sender.deliver("evt_3", "slow").await }
    });
    sleep(Duration::from_millis(500)).await;
    println!("  {}", sender.deliver("evt_3", "slow").await?);
    println!("  {}", slow.await??);

    println!("One whose machine dies while it is being processed, and the sender's retries:");
    loop {
        let answer = sender.deliver("evt_4", "doomed").await?;
        println!("  {answer}");
        if answer.starts_with("200") {
            return Ok(());
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// A process of this program, until it is dropped.
struct Machine {
    process: Child,
    /// Its input: it ends when that does.
    _lifeline: ChildStdin,
    address: SocketAddr,
}

impl Machine {
    fn start(name: &str, store: &str) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .envs([("MACHINE", name), ("STORE", store), ("SECRET", SECRET)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lifeline = process.stdin.take().ok_or("no input")?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        Ok(Self {
            address: address.trim().parse()?,
            process,
            _lifeline: lifeline,
        })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What Stripe does.
#[derive(Clone)]
struct Sender {
    to: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Sender {
    fn new(to: SocketAddr) -> Self {
        Self {
            to,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Each attempt is signed anew.
    async fn deliver(&self, id: &str, kind: &str) -> Result<String, Failure> {
        self.send(id, kind, SECRET).await
    }

    async fn forge(&self, id: &str) -> Result<String, Failure> {
        self.send(id, "paid", "guessed").await
    }

    async fn send(&self, id: &str, kind: &str, secret: &str) -> Result<String, Failure> {
        let signer = Signer::new(provider::stripe(), secret)?;
        let body = format!(r#"{{"id":"{id}","type":"{kind}"}}"#);
        let mut request = signer.sign("/stripe", body).map(Full::new);
        *request.uri_mut() = format!("http://{}/stripe", self.to).parse()?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let machine = text("x-machine").unwrap_or("nginx");
        let wait = text("retry-after").map(|seconds| format!(", retry after {seconds} s"));
        let said = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        let said = match machine {
            "nginx" => "its own page",
            _ if said.is_empty() => "an empty body",
            _ => &said,
        };
        Ok(format!(
            "{} from {machine}: {said}{}",
            head.status.as_u16(),
            wait.unwrap_or_default()
        ))
    }
}
