//! A webhook endpoint on hyper, without a framework, that no slow sender can
//! hold open.
//!
//! ```sh
//! GITHUB_SECRET=... cargo run --example hyper
//! ```
//!
//! `axum::serve` sets no timer: there, a connection with half a header stays
//! open for as long as its sender likes.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a terminal is where an example speaks"
)]

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tower::{Layer, Service, ServiceBuilder, service_fn};
use tower_webhook::client_ip::PeerAddr;
use tower_webhook::{Rejection, VerifiedBody, Verifier, WebhookLayer, provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let header_timeout = Duration::from_secs(setting("HEADER_TIMEOUT", 10)?);
    let body_timeout = Duration::from_secs(setting("BODY_TIMEOUT", 10)?);

    let verifier = Verifier::new(provider::github(), std::env::var("GITHUB_SECRET")?)?;
    let guard = WebhookLayer::new(verifier).with_body_timeout(body_timeout)?;
    let handlers = guard.handlers();
    let endpoint = guard.layer(service_fn(process));

    let listener = TcpListener::bind(("127.0.0.1", setting("PORT", 3000)?)).await?;
    println!("Listening on http://{}", listener.local_addr()?);

    let connections = GracefulShutdown::new();
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            biased;
            _ = &mut interrupt => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let endpoint = endpoint.clone();
                    let watcher = connections.watcher();
                    tokio::spawn(serve(stream, peer, endpoint, header_timeout, watcher));
                }
                // Out of file descriptors, most likely: wait until some are closed.
                Err(error) => {
                    eprintln!("cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }

    // Answer what has arrived; then let the handlers finish whose sender has
    // gone. What takes longer is delivered again.
    drop(listener);
    let drain = async {
        connections.shutdown().await;
        handlers.finished().await;
    };
    timeout(Duration::from_secs(30), drain).await?;
    Ok(())
}

/// Takes nothing but verified requests: without the layer in front, this does
/// not compile.
async fn process(request: Request<VerifiedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let delivery = request.body().delivery();
    println!(
        "{:?} of {} bytes",
        delivery.event_type(),
        delivery.body().len()
    );
    Ok(Response::new(Full::from("processed\n")))
}

async fn serve<S>(
    stream: TcpStream,
    peer: SocketAddr,
    endpoint: S,
    header_timeout: Duration,
    watcher: Watcher,
) where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let called = Arc::new(Notify::new());
    let notify = Arc::clone(&called);
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            notify.notify_one();
            request.extensions_mut().insert(PeerAddr::new(peer));
            request
        })
        .map_response(move |response: Response<Full<Bytes>>| {
            if let Some(rejection) = response.extensions().get::<Rejection>() {
                eprintln!("{peer} refused: {rejection}");
            }
            response
        })
        .service(endpoint);

    let server = limits(header_timeout);
    let connection =
        server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(watcher.watch(connection));
    tokio::select! {
        result = &mut connection => return report(peer, result),
        // hyper's timeout begins only when the first bytes have told HTTP/1
        // from HTTP/2; a sender of fewer would not be bound by it.
        first = timeout(header_timeout, called.notified()) => if first.is_err() {
            return eprintln!("{peer} closed: no request within {header_timeout:?}");
        }
    }
    report(peer, connection.await);
}

fn limits(header_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(64)
        .max_buf_size(64 * 1024);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(16 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    server
}

fn report<E: std::fmt::Display>(peer: SocketAddr, result: Result<(), E>) {
    if let Err(error) = result {
        eprintln!("{peer} closed: {error}");
    }
}

fn setting<T>(variable: &str, default: T) -> Result<T, T::Err>
where
    T: std::str::FromStr,
{
    std::env::var(variable).map_or(Ok(default), |text| text.parse())
}
