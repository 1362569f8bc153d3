//! The requests of a provider, and of those who pretend to be it.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::server::{GUARDED, SECRET};

/// Makes deliveries as GitHub does, each with a body and an id of its own.
pub struct Provider {
    key: Hmac<Sha256>,
    events: AtomicU64,
    strangers: AtomicU32,
}

/// Where the provider sends from.
pub const PROVIDER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// What to send.
pub struct Draft {
    pub route: &'static str,
    pub caller: Ipv4Addr,
    pub number: u64,
    pub event: &'static str,
    pub genuine: bool,
    pub body: usize,
    pub chunked: bool,
}

/// What is sent.
pub struct Request {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn whole(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }
}

impl Provider {
    pub fn new() -> Self {
        Self {
            key: Hmac::new_from_slice(SECRET.as_bytes()).unwrap(),
            events: AtomicU64::new(0),
            strangers: AtomicU32::new(0),
        }
    }

    /// The next event, genuine.
    pub fn event(&self) -> Draft {
        Draft {
            route: GUARDED,
            caller: PROVIDER,
            number: self.events.fetch_add(1, Ordering::Relaxed),
            event: "push",
            genuine: true,
            body: 1024,
            chunked: false,
        }
    }

    /// A request from an address that was not seen before, forged.
    pub fn forged(&self) -> Draft {
        Draft {
            caller: self.stranger(),
            genuine: false,
            ..self.event()
        }
    }

    /// The next of 16 million addresses.
    pub fn stranger(&self) -> Ipv4Addr {
        let number = self.strangers.fetch_add(1, Ordering::Relaxed);
        Ipv4Addr::from_bits(10 << 24 | number & 0x00FF_FFFF)
    }

    /// How many addresses of strangers there were.
    pub fn strangers(&self) -> u32 {
        self.strangers.load(Ordering::Relaxed)
    }

    pub fn write(&self, draft: &Draft) -> Request {
        let Draft { number, .. } = draft;
        let mut body = Vec::with_capacity(draft.body);
        write!(body, r#"{{"number":{number},"ref":""#).unwrap();
        body.resize(draft.body - 2, b'x');
        body.extend_from_slice(b"\"}");

        let mut mac = self.key.clone();
        mac.update(&body);
        let mut signature: [u8; 32] = mac.finalize().into_bytes().into();
        if !draft.genuine {
            signature[31] ^= 1;
        }
        let length = match draft.chunked {
            true => "transfer-encoding: chunked".to_owned(),
            false => format!("content-length: {}", body.len()),
        };
        let mut head = Vec::with_capacity(512);
        write!(
            head,
            "POST {} HTTP/1.1\r\n\
             host: hooks.example.com\r\n\
             user-agent: GitHub-Hookshot/044aadd\r\n\
             accept: */*\r\n\
             content-type: application/json\r\n\
             x-forwarded-for: {}\r\n\
             x-github-event: {}\r\n\
             x-github-delivery: {number}\r\n\
             x-hub-signature-256: sha256={}\r\n\
             {length}\r\n\r\n",
            draft.route,
            draft.caller,
            draft.event,
            hex::encode(signature),
        )
        .unwrap();
        Request { head, body }
    }
}
