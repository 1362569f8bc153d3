//! A real server on a loopback socket, and a client that sends raw bytes.

use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// `axum::serve` on a free port; ends with this value.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(app: Router) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, task }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` at once and reads the first response.
    pub async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        response(&mut stream).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one response whose body, if it has one, comes with its length. Empty
/// if the server closes instead.
pub async fn response(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        if let Some(head) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if text.len() >= head.len() + 4 + length {
                return String::from_utf8(text).unwrap();
            }
        }
        match stream.read_buf(&mut text).await {
            Ok(0) | Err(_) => return String::from_utf8(text).unwrap(),
            Ok(_) => {}
        }
    }
}

/// The head of a request, with `extra` header lines.
pub fn head(request: &Request<Bytes>, extra: &[&str]) -> Vec<u8> {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: x\r\n",
        request.method(),
        request.uri()
    );
    for line in extra {
        text.push_str(line);
        text.push_str("\r\n");
    }
    let mut bytes = text.into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The whole request, with its length.
pub fn whole(request: &Request<Bytes>) -> Vec<u8> {
    let length = format!("content-length: {}", request.body().len());
    [head(request, &[&length]), request.body().to_vec()].concat()
}

/// One chunk of a chunked body.
pub fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
