//! Shows a request as a command line.

use std::fmt::Write;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;

/// Nothing is escaped: the examples' requests hold no single quote.
pub(crate) fn curl(server: SocketAddr, request: &Request<Bytes>) -> String {
    let mut command = format!("curl -i http://{server}{}", request.uri());
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = write!(command, " -H '{name}: {value}'");
    }
    let body = String::from_utf8_lossy(request.body());
    let _ = write!(command, " -d '{body}'");
    command
}
