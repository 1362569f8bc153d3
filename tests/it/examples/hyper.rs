//! The example `hyper`: what a server has to do by itself, in front of the
//! layers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use tower_webhook::provider;
use tower_webhook::testing::Signer;

use super::frames::{CONTINUATION, DATA, END_HEADERS, HEADERS, RST_STREAM, START, frame, post};
use super::{Curl, Example, PATIENCE, Response};

const SECRET: &str = "It's a Secret to Everybody";

fn start(timeouts: &[(&str, &str)]) -> Example {
    let settings = [&[("GITHUB_SECRET", SECRET)], timeouts].concat();
    Example::start("hyper", &settings)
}

fn github(example: &Example) -> Curl {
    let signer = Signer::new(provider::github(), SECRET).unwrap();
    let request = signer.sign("/", "{}");
    Curl {
        server: example.address.to_string(),
        path: "/".to_owned(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect(),
        body: request.body().to_vec(),
        times: 1,
        ..Curl::default()
    }
}

#[test]
fn serves_genuine_requests_alone() {
    let example = start(&[]);
    let genuine = github(&example);
    assert_eq!(example.run(&genuine).body, "processed\n");
    let mut forged = genuine;
    forged.body = b"[]".to_vec();
    assert_eq!(example.run(&forged).status, 401);
    example.log("no signature matches");
}

/// Nothing; what could become either HTTP/1 or HTTP/2; half a header; HTTP/2
/// without a request.
#[test]
fn f4_closes_connections_whose_headers_do_not_come() {
    let example = start(&[("HEADER_TIMEOUT", "1")]);
    let slow: Vec<TcpStream> = [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "POST / HTTP/1.1\r\nhost: localh",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ]
    .into_iter()
    .map(|start| {
        let mut stream = example.connect();
        stream.write_all(start.as_bytes()).unwrap();
        stream
    })
    .collect();
    for mut stream in slow {
        let closed = stream.read_to_end(&mut Vec::new());
        assert!(
            !matches!(&closed, Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset),
            "{closed:?}"
        );
    }
}

#[test]
fn f3_gives_up_on_a_body_that_does_not_come() {
    let example = start(&[("BODY_TIMEOUT", "1")]);
    let mut stalled = github(&example);
    stalled
        .headers
        .push("transfer-encoding: chunked".to_owned());
    let mut stream = example.connect();
    let headers = stalled.headers.join("\r\n");
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n1\r\n{{\r\n"
    )
    .unwrap();
    assert_eq!(Response::read(stream).status, 408);
    example.log("the body did not arrive within the deadline");
}

#[cfg(unix)]
#[test]
fn ends_when_it_is_told_to() {
    let mut example = start(&[]);
    assert_eq!(example.run(&github(&example)).status, 200);
    let idle = example.connect();

    let kill = format!("kill -INT {}", example.child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
    // The process has ended when its stdout has.
    while example.stdout.recv_timeout(PATIENCE).is_ok() {}
    assert!(example.child.wait().unwrap().success());
    drop(idle);
}

/// The answer to bytes as they are, and whether anything was processed.
fn answer(example: &Example, bytes: &[u8]) -> u16 {
    let mut stream = example.connect();
    // A server that has refused need not take the rest.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    Response::read(stream).status
}

/// That the route still works, and has processed nothing yet.
fn assert_untouched(example: &Example) {
    assert_eq!(example.run(&github(example)).status, 200);
    // The first line that a handler writes is that of the request just made.
    let lines = example.say(" of ");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// Where a proxy and the server would not agree on the end of a body.
#[test]
fn f11_refuses_bodies_with_two_lengths() {
    let example = start(&[]);
    let headers = github(&example).headers.join("\r\n");
    for lengths in [
        "content-length: 2\r\ncontent-length: 3",
        "content-length: 2, 3",
        "content-length: +2",
        "content-length: 0x2",
        "content-length: -1",
        "content-length: 99999999999999999999999",
        "content-length: 2\r\ntransfer-encoding: chunked, identity",
        "transfer-encoding: identity",
        "transfer-encoding: xchunked",
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\n{headers}\r\n{lengths}\r\n\r\n{{}}");
        assert_eq!(answer(&example, request.as_bytes()), 400, "{lengths}");
    }
    assert_untouched(&example);
}

/// RFC 9112 section 6.3: `Transfer-Encoding` overrides the length, and the
/// connection is closed after the answer, so that nothing can be smuggled in
/// behind it.
#[test]
fn f11_a_chunked_body_with_a_length_ends_its_connection() {
    let example = start(&[]);
    let headers = github(&example).headers.join("\r\n");
    let smuggled = "POST / HTTP/1.1\r\nhost: x\r\n\r\n";
    let request = format!(
        "POST / HTTP/1.1\r\nhost: x\r\n{headers}\r\ncontent-length: 2\r\n\
         transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{smuggled}"
    );
    let mut stream = example.connect();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
}

#[test]
fn f14_refuses_too_many_and_too_long_headers() {
    let example = start(&[]);
    let many: String = (0..101).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(1 << 20));
    for headers in [many, long] {
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        assert_eq!(answer(&example, request.as_bytes()), 431);
    }
    assert_untouched(&example);
}

/// Sends `flood` again and again on a connection of HTTP/2, until the server
/// ends it.
fn flooded(example: &Example, start: &[u8], flood: impl Fn(u32) -> Vec<u8>) {
    let mut stream = example.connect();
    stream.write_all(START).unwrap();
    stream.write_all(start).unwrap();
    let mut reader = stream.try_clone().unwrap();
    // What it says must be taken, or it could not say that it ends.
    let reading = std::thread::spawn(move || reader.read_to_end(&mut Vec::new()));
    // More than any limit.
    let ended = (1..1_000_000).any(|n| stream.write_all(&flood(n)).is_err());
    assert!(ended, "the server took everything");
    drop(stream);
    let _ = reading.join().unwrap();
}

#[test]
fn f12_ends_connections_that_reset_their_streams() {
    let example = start(&[]);
    let headers = post(&[("x-hub-signature-256", "sha256=00")]);
    flooded(&example, b"", |n| {
        let stream = 2 * n - 1;
        [
            frame(HEADERS, END_HEADERS, stream, &headers),
            frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()),
        ]
        .concat()
    });
    assert_untouched(&example);
}

#[test]
fn f12_ends_connections_whose_headers_go_on_for_ever() {
    let example = start(&[]);
    let headers = post(&[]);
    let more = post(&[("x", "y")])[3..].to_vec();
    flooded(&example, &frame(HEADERS, 0, 1, &headers), |_| {
        frame(CONTINUATION, 0, 1, &more)
    });
    assert_untouched(&example);
}

#[test]
fn f12_ends_connections_that_send_nothing_as_data() {
    let example = start(&[("BODY_TIMEOUT", "1")]);
    let genuine = github(&example);
    let headers: Vec<(&str, &str)> = genuine
        .headers
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .collect();
    let headers = frame(HEADERS, END_HEADERS, 1, &post(&headers));
    flooded(&example, &headers, |_| frame(DATA, 0, 1, b""));
    assert_untouched(&example);
}
