//! One connection: bytes out, answers in.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tally::Outcome;

/// Much longer than any time-out of the server.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Connection {
    server: SocketAddr,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

impl Connection {
    /// Opened when it is needed, and again when the server has closed it.
    pub const fn to(server: SocketAddr) -> Self {
        Self {
            server,
            stream: None,
            received: Vec::new(),
        }
    }

    async fn stream(&mut self) -> io::Result<&mut TcpStream> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.server).await?;
            stream.set_nodelay(true)?;
            self.received.clear();
            self.stream = Some(stream);
        }
        self.stream
            .as_mut()
            .ok_or(io::ErrorKind::NotConnected.into())
    }

    /// Whether the bytes could be sent.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        match self.stream().await {
            Ok(stream) => stream.write_all(bytes).await.is_ok(),
            Err(_) => false,
        }
    }

    /// The answer to what was sent.
    pub async fn answer(&mut self) -> Outcome {
        let answer = tokio::time::timeout(PATIENCE, self.receive()).await;
        answer.unwrap_or_else(|_elapsed| {
            self.stream = None;
            Outcome::Silent
        })
    }

    async fn receive(&mut self) -> Outcome {
        loop {
            if let Some((outcome, length, closes)) = parse(&self.received) {
                self.received.drain(..length);
                if closes {
                    self.stream = None;
                }
                return outcome;
            }
            let Some(stream) = &mut self.stream else {
                return Outcome::Closed;
            };
            match stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => {
                    self.stream = None;
                    self.received.clear();
                    return Outcome::Closed;
                }
                Ok(_) => {}
            }
        }
    }

    pub async fn exchange(&mut self, bytes: &[u8]) -> Outcome {
        // What could not be sent may have been answered before.
        self.send(bytes).await;
        self.answer().await
    }

    /// Closes with a reset, as a sender does that dies.
    pub fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            let _ = stream.set_zero_linger();
        }
    }
}

/// The first answer in `bytes`, how long it is, and whether it is the last one
/// of its connection.
fn parse(bytes: &[u8]) -> Option<(Outcome, usize, bool)> {
    let head = memmem::find(bytes, b"\r\n\r\n")?;
    let text = std::str::from_utf8(&bytes[..head]).unwrap();
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let body = field("content-length: ").map_or(0, |length| length.parse().unwrap());
    let length = head + 4 + body;
    if bytes.len() < length {
        return None;
    }
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let outcome = match status {
        200 if body > 0 => Outcome::Processed,
        200 => Outcome::Acknowledged,
        status => Outcome::Refused(status),
    };
    // hyper closes without a word when it has not read the whole body.
    let closes = matches!(status, 408 | 413) || field("connection: close").is_some();
    Some((outcome, length, closes))
}
