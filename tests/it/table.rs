//! The table of presets in the documentation, from the registry.

use std::time::Duration;

use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{
    Algorithm, Coverage, Encoding, Hash, Part, PublicKeyAlgorithm, Scheme, Source,
};

use crate::readme::bless;

const TABLE: &str = include_str!("../../src/provider/table.md");

#[test]
fn the_table_is_that_of_the_registry() {
    let rows: String = provider::all().map(|preset| row(&preset)).collect();
    let expected = format!(
        "| preset | proof | signed content | place | replay protection | event id | retries | not covered |\n\
         |---|---|---|---|---|---|---|---|\n{rows}"
    );
    bless("src/provider/table.md", TABLE, TABLE, &expected);
}

fn row(preset: &Preset) -> String {
    let (scheme, hidden) = match preset {
        Preset::Signed(scheme) => (scheme.clone(), false),
        Preset::Unsigned(unsigned) => (unsigned.clone().with_token_in_query("token"), true),
        _ => panic!("a kind of preset that this test does not know"),
    };
    let proof = match hidden {
        true => "none: a token in the URL".to_owned(),
        false => proof(&scheme),
    };
    let cells = [
        format!("[`{}`]({})", scheme.name(), scheme.reference()),
        proof,
        content(&scheme),
        place(&scheme),
        replay_protection(&scheme),
        event_id(&scheme),
        duration(scheme.retry_horizon()),
        not_covered(&scheme),
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn proof(scheme: &Scheme) -> String {
    match scheme.algorithm() {
        Algorithm::Token if scheme.encoding() == Encoding::Base64 => "user and password".to_owned(),
        Algorithm::Token => "token".to_owned(),
        Algorithm::Hmac(hash) => format!("HMAC-{}", hash_name(hash)),
        Algorithm::Hash(hash) => hash_name(hash).to_owned(),
        Algorithm::PublicKey(algorithm) => match algorithm {
            PublicKeyAlgorithm::Ed25519 => "Ed25519",
            PublicKeyAlgorithm::EcdsaP256Sha256 | PublicKeyAlgorithm::EcdsaP256Sha256Fixed => {
                "ECDSA P-256"
            }
            PublicKeyAlgorithm::RsaPkcs1Sha1 => "RSA with SHA-1",
            PublicKeyAlgorithm::RsaPkcs1Sha256 => "RSA with SHA-256",
            PublicKeyAlgorithm::RsaPssSha512 => "RSA-PSS with SHA-512",
            _ => panic!("an algorithm that this test does not know"),
        }
        .to_owned(),
        _ => panic!("an algorithm that this test does not know"),
    }
}

fn hash_name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SHA-1",
        Hash::Sha256 => "SHA-256",
        Hash::Sha512 => "SHA-512",
        _ => panic!("a hash that this test does not know"),
    }
}

fn content(scheme: &Scheme) -> String {
    let parts: String = scheme.content().iter().map(part).collect();
    match scheme.each() {
        _ if scheme.protocol().is_some() => "see its page".to_owned(),
        _ if parts.is_empty() => String::new(),
        None => format!("`{parts}`"),
        Some(pointer) => format!("`{parts}` of each of `{pointer}`"),
    }
}

fn part(part: &Part) -> String {
    match part {
        Part::Literal(text) => text.replace('|', "\\|").replace('\n', "\\n"),
        Part::Timestamp => "{timestamp}".to_owned(),
        Part::EventId => "{id}".to_owned(),
        Part::Body => "{body}".to_owned(),
        Part::BodyDigest(hash) => format!("{{{} of body}}", hash_name(*hash)),
        Part::Secret => "{secret}".to_owned(),
        Part::Method => "{method}".to_owned(),
        Part::Url(_) => "{url}".to_owned(),
        Part::SortedForm { .. } => "{sorted form}".to_owned(),
        Part::Header(name) => format!("{{{name}}}"),
        Part::Value { pointer, .. } => {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            format!("{{{name}}}")
        }
        _ => panic!("a part that this test does not know"),
    }
}

fn place(scheme: &Scheme) -> String {
    if scheme.protocol().is_some() {
        return "see its page".to_owned();
    }
    let places: Vec<String> = scheme.signatures().iter().flat_map(names).collect();
    places.join(" or ")
}

fn names(source: &Source) -> Vec<String> {
    match source {
        Source::Header(names) => names.iter().map(|name| format!("`{name}`")).collect(),
        Source::Lines(name) => vec![format!("`{name}`, several times")],
        Source::Numbered(prefix) => vec![format!("`{prefix}1`, `2` …")],
        Source::Pointer(pointer) => vec![format!("body `{pointer}`")],
        Source::Form(name) => vec![format!("form `{name}`")],
        Source::Query(name) => vec![format!("query `{name}`")],
        _ => panic!("a place that this test does not know"),
    }
}

/// What bounds a replay: how old it may be, and what is remembered of it.
fn replay_protection(scheme: &Scheme) -> String {
    let remembered = match scheme.event_id() {
        [] if !scheme.has_content_identity() => "none",
        [] => "content",
        _ if scheme.coverage() != Coverage::Nothing && !scheme.signs_event_id() => {
            "id and signed content"
        }
        _ if scheme.requires_event_id() => "id",
        _ => "id, else content",
    };
    match scheme.timestamp() {
        Some(rule) => format!("{}; {remembered}", duration(rule.past_tolerance())),
        None if !scheme.freshness_window().is_zero() => {
            format!(
                "{} in all; {remembered}",
                duration(scheme.freshness_window())
            )
        }
        None => remembered.to_owned(),
    }
}

fn event_id(scheme: &Scheme) -> String {
    let sources: Vec<String> = scheme.event_id().iter().flat_map(names).collect();
    match sources.is_empty() {
        true => "none".to_owned(),
        false if scheme.signs_event_id() => format!("{}, signed", sources.join(" + ")),
        false => format!("{}, not signed", sources.join(" + ")),
    }
}

fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "none".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{} d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// What somebody on the way could have changed.
fn not_covered(scheme: &Scheme) -> String {
    let signs = |wanted: fn(&Part) -> bool| scheme.content().iter().any(wanted);
    let mut open = Vec::new();
    match scheme.coverage() {
        Coverage::Nothing => return "anything".to_owned(),
        Coverage::Values => open.push("the body but for these values"),
        Coverage::Body => {}
        _ => panic!("a coverage that this test does not know"),
    }
    if scheme.protocol().is_none() && !signs(|part| matches!(part, Part::Url(_))) {
        open.push("the URL");
    }
    if !scheme.event_id().is_empty() && !scheme.signs_event_id() {
        open.push("the id");
    }
    let in_header = |source: &Source| matches!(source, Source::Header(_));
    if scheme.event_type().iter().any(in_header) {
        open.push("the type");
    }
    open.push("other headers");
    open.join(", ")
}
