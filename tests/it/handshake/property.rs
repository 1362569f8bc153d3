//! F16: whatever an unverified request says, none of it comes back except
//! through an echo that its scheme declares.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{Method, Request};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tower_webhook::Verifier;
use tower_webhook::handshake::{CaptureFuture, Captured, OfferedSecret, SecretCapture};
use tower_webhook::signature::{Handshake, Reply, ReplyValue, Scheme, Source};

use crate::support::all_schemes;
use crate::support::keys::sender;
use crate::support::route::Route;

const TOKEN: &str = "the-token-of-the-form";

/// Takes whatever it is offered, which nobody should.
#[derive(Debug)]
struct Greedy;

impl SecretCapture for Greedy {
    fn capture<'a>(&'a self, _offer: OfferedSecret<'a>) -> CaptureFuture<'a> {
        Box::pin(async { Ok(Captured::Accepted) })
    }
}

/// Every preset, with all that a handshake may need.
static ROUTES: LazyLock<Vec<(Scheme, Route)>> = LazyLock::new(|| {
    let route = |scheme: Scheme| {
        let verifier = Verifier::new(scheme.clone(), sender(&scheme).verifying_secret()).unwrap();
        let route = Route::with(verifier, |layer| {
            layer
                .with_verify_token(TOKEN)
                .unwrap()
                .with_secret_capture(Arc::new(Greedy))
                .with_allowed_origins(["word8"])
                .unwrap()
        });
        (scheme, route)
    };
    all_schemes().map(route).collect()
});

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().enable_all().build().unwrap());

/// The names that handshakes look at, and one that none does. Each place has a
/// word of its own: `word` and its position.
const QUERY: [&str; 6] = [
    "hub.challenge",
    "challenge",
    "crc_token",
    "validationToken",
    "token",
    "secret",
];
const HEADERS: [&str; 6] = [
    "x-hook-secret",
    "x-okta-verification-challenge",
    "webhook-request-origin",
    "aeg-event-type",
    "authorization",
    "x-anything",
];
const KEYS: [&str; 6] = [
    "challenge",
    "verification_token",
    "plainToken",
    "validationCode",
    "webhook_id",
    "anything",
];

fn query_word(name: &str) -> Option<String> {
    word_of(&QUERY, name, 0)
}

fn header_word(name: &str) -> Option<String> {
    word_of(&HEADERS, name, QUERY.len())
}

fn word_of(names: &[&str], name: &str, from: usize) -> Option<String> {
    let at = names.iter().position(|known| *known == name)?;
    Some(format!("word{}", from + at))
}

fn words() -> impl Iterator<Item = String> {
    (0..QUERY.len() + HEADERS.len() + KEYS.len()).map(|at| format!("word{at}"))
}

/// The words that the scheme says it sends back to who did not sign.
fn declared(scheme: &Scheme, method: &Method) -> Vec<String> {
    let echoed = |handshake: &Handshake| -> Vec<Source> {
        match handshake.reply() {
            Reply::Text(ReplyValue::Echo(source)) => vec![source.clone()],
            Reply::Json(members) => members
                .iter()
                .filter_map(|(_, value)| match value {
                    ReplyValue::Echo(source) => Some(source.clone()),
                    _ => None,
                })
                .collect(),
            Reply::Header(name) => vec![Source::header(name.clone())],
            Reply::AllowedOrigin => vec![Source::header("webhook-request-origin")],
            _ => Vec::new(),
        }
    };
    scheme
        .handshakes()
        .filter(|handshake| !handshake.is_signed() && handshake.method() == method)
        .flat_map(echoed)
        .filter_map(|source| match source {
            Source::Query(name) => query_word(&name),
            Source::Header(names) => header_word(&names[0]),
            _ => panic!("an unsigned body comes back: {}", scheme.name()),
        })
        .collect()
}

fn json_or_form() -> impl Strategy<Value = (&'static str, String)> {
    let fields = prop::collection::vec(0..KEYS.len(), 0..3);
    (fields, any::<bool>(), 0..4_usize).prop_map(|(fields, form, kind)| {
        let word = |at: usize| format!("word{}", QUERY.len() + HEADERS.len() + at);
        if form {
            let pairs: Vec<_> = fields
                .iter()
                .map(|at| format!("{}={}", KEYS[*at], word(*at)))
                .collect();
            return ("application/x-www-form-urlencoded", pairs.join("&"));
        }
        let kind = [
            r#""type":"url_verification","#,
            r#""event":"endpoint.url_validation","#,
            r#""type":1,"#,
            "",
        ][kind];
        let members: Vec<_> = fields
            .iter()
            .map(|at| format!(r#""{}":"{}""#, KEYS[*at], word(*at)))
            .collect();
        let body = format!("{{{kind}{}}}", members.join(","));
        ("application/json", body)
    })
}

fn request() -> impl Strategy<Value = Request<Bytes>> {
    let method = prop::sample::select(vec!["GET", "POST", "HEAD", "OPTIONS", "PUT"]);
    let query = prop::collection::vec(0..QUERY.len(), 0..4);
    let mode = any::<(bool, bool)>();
    let headers = prop::collection::vec(0..HEADERS.len(), 0..4);
    (method, query, mode, headers, json_or_form()).prop_map(
        |(method, query, (subscribes, knows), headers, (kind, body))| {
            let mut pairs: Vec<String> = query
                .iter()
                .map(|at| format!("{}={}", QUERY[*at], query_word(QUERY[*at]).unwrap()))
                .collect();
            if subscribes {
                pairs.push("hub.mode=subscribe".to_owned());
            }
            if knows {
                pairs.push(format!("hub.verify_token={TOKEN}"));
            }
            let mut request = Request::builder()
                .method(method)
                .uri(format!("/hook?{}", pairs.join("&")))
                .header("content-type", kind);
            for at in headers {
                request = request.header(HEADERS[at], header_word(HEADERS[at]).unwrap());
            }
            request.body(Bytes::from(body)).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn f16_nothing_unverified_comes_back_undeclared(
        which in any::<prop::sample::Index>(),
        request in request(),
    ) {
        let (scheme, route) = which.get(ROUTES.as_slice());
        let declared = declared(scheme, request.method());
        let answer = RUNTIME.block_on(route.send(request));
        let said = format!("{:?} {:?} ", answer.headers, answer.body);
        for word in words() {
            // No word is the beginning of another one here.
            let comes_back = said
                .match_indices(&word)
                .any(|(at, _)| !said.as_bytes()[at + word.len()].is_ascii_digit());
            if comes_back {
                prop_assert!(declared.contains(&word), "{}: {said}", scheme.name());
                prop_assert_eq!(answer.status.as_u16(), 200);
                let kind = answer.headers["content-type"].to_str().unwrap();
                prop_assert!(kind.starts_with("text/plain") || kind == "application/json");
                prop_assert_eq!(&answer.headers["x-content-type-options"], "nosniff");
            }
        }
        prop_assert_eq!(route.calls.get(), 0);
        prop_assert_eq!(route.store.claims(), 0);
    }
}

/// The property is not about nothing.
#[test]
fn declared_echoes_come_back() {
    let mut answered = Vec::new();
    for (scheme, route) in &*ROUTES {
        for (method, target, header) in [
            ("GET", "/hook?challenge=word1", ("x-anything", "x")),
            ("POST", "/hook?validationToken=word3", ("x-anything", "x")),
            ("POST", "/hook", ("x-hook-secret", "word6")),
            ("OPTIONS", "/hook", ("webhook-request-origin", "word8")),
            ("GET", "/hook", ("x-okta-verification-challenge", "word7")),
        ] {
            let request = super::request(method, target, &[header], "");
            let answer = RUNTIME.block_on(route.send(request));
            let said = format!("{:?} {:?}", answer.headers, answer.body);
            if said.contains("word") {
                answered.push((scheme.name(), method));
            }
        }
    }
    for expected in [
        ("dropbox", "GET"),
        ("microsoft_graph", "POST"),
        ("asana", "POST"),
        ("azure_event_grid_header", "OPTIONS"),
        ("okta", "GET"),
    ] {
        assert!(answered.contains(&expected), "{expected:?}: {answered:?}");
    }
}
