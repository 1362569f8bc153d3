//! What the README says, held against what is true.

use tower_webhook::provider::{self, Preset};
use tower_webhook::signature::{
    Algorithm, Coverage, Encoding, Hash, Part, PublicKeyAlgorithm, Scheme, Source,
};

const README: &str = include_str!("../../README.md");
const LIB: &str = include_str!("../../src/lib.rs");
const CONTRIBUTING: &str = include_str!("../../CONTRIBUTING.md");

#[test]
fn the_table_of_presets_is_that_of_the_registry() {
    let rows: String = provider::all().map(|preset| row(&preset)).collect();
    let expected = format!(
        "\n| preset | signature | replay protection | id signed |\n|---|---|---|---|\n{rows}"
    );
    let found = between("<!-- presets -->", "<!-- /presets -->");
    if std::env::var_os("BLESS").is_some() {
        let readme = README.replace(found, &expected);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        std::fs::write(path, readme).unwrap();
        return;
    }
    assert!(
        found == expected,
        "README.md is behind: run the tests once with BLESS=1"
    );
}

fn row(preset: &Preset) -> String {
    match preset {
        Preset::Signed(scheme) => format!(
            "| [`{}`]({}) | {} | {} | {} |\n",
            scheme.name(),
            scheme.reference(),
            signature(scheme),
            replay_protection(scheme),
            match scheme.event_id() {
                [] => "no id",
                _ if scheme.signs_event_id() => "yes",
                _ => "no",
            },
        ),
        Preset::Unsigned(unsigned) => format!(
            "| [`{}`]({}) | none: a token in the URL hides the endpoint | {} | no |\n",
            unsigned.name(),
            unsigned.reference(),
            replay_protection(&unsigned.clone().with_token_in_query("token")),
        ),
        _ => panic!("a kind of preset that this test does not know"),
    }
}

fn signature(scheme: &Scheme) -> String {
    let what = match scheme.algorithm() {
        Algorithm::Token => match scheme.encoding() {
            Encoding::Base64 => "user and password".to_owned(),
            _ => "token".to_owned(),
        },
        Algorithm::Hmac(hash) => format!("HMAC-{} of `{}`", name_of(hash), content(scheme)),
        Algorithm::Hash(hash) => format!("{} of `{}`", name_of(hash), content(scheme)),
        Algorithm::PublicKey(algorithm) => {
            let name = match algorithm {
                PublicKeyAlgorithm::Ed25519 => "Ed25519",
                PublicKeyAlgorithm::EcdsaP256Sha256 | PublicKeyAlgorithm::EcdsaP256Sha256Fixed => {
                    "ECDSA P-256"
                }
                PublicKeyAlgorithm::RsaPkcs1Sha1 => "RSA-SHA1",
                PublicKeyAlgorithm::RsaPkcs1Sha256 => "RSA-SHA256",
                PublicKeyAlgorithm::RsaPssSha512 => "RSA-PSS-SHA512",
                _ => panic!("an algorithm that this test does not know"),
            };
            format!("{name} of `{}`", content(scheme))
        }
        _ => panic!("an algorithm that this test does not know"),
    };
    let headers: Vec<String> = scheme.signatures().iter().flat_map(names).collect();
    let each = match scheme.each() {
        Some(pointer) => format!(" of each item of `{pointer}`"),
        None => String::new(),
    };
    format!("{what} in {}{each}", headers.join(" or "))
}

fn name_of(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SHA1",
        Hash::Sha256 => "SHA256",
        Hash::Sha512 => "SHA512",
        _ => panic!("a hash that this test does not know"),
    }
}

fn content(scheme: &Scheme) -> String {
    scheme.content().iter().map(part).collect()
}

fn part(part: &Part) -> String {
    match part {
        Part::Literal(text) => text.to_string(),
        Part::Timestamp => "{timestamp}".to_owned(),
        Part::EventId => "{id}".to_owned(),
        Part::Body => "{body}".to_owned(),
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

fn names(source: &Source) -> Vec<String> {
    match source {
        Source::Header(names) => names.iter().map(|name| format!("`{name}`")).collect(),
        Source::Lines(name) => vec![format!("`{name}`")],
        Source::Numbered(prefix) => vec![format!("`{prefix}1` and so on")],
        Source::Pointer(pointer) => vec![format!("the body's `{pointer}`")],
        Source::Form(name) => vec![format!("the form's `{name}`")],
        Source::Query(name) => vec![format!("`?{name}=`")],
        _ => panic!("a place that this test does not know"),
    }
}

/// What bounds a replay: how old it may be, and what is remembered of it.
fn replay_protection(scheme: &Scheme) -> String {
    let signed = scheme.coverage() != Coverage::Nothing;
    let remembered = match scheme.event_id() {
        [] => "content",
        _ if signed && !scheme.signs_event_id() => "id and signed content",
        _ if scheme.requires_event_id() => "id",
        _ => "id, else content",
    };
    match scheme.timestamp() {
        Some(rule) => format!("{} s, {remembered}", rule.past_tolerance().as_secs()),
        None => remembered.to_owned(),
    }
}

/// One text for both: the crate's own page has it first.
#[test]
fn the_readme_says_what_the_crate_docs_say() {
    let mut in_code = false;
    let mut docs = String::new();
    for line in LIB.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        in_code ^= line.starts_with("```");
        let hidden = in_code && line.starts_with("# ");
        if !hidden {
            docs.push_str(line);
            docs.push('\n');
        }
    }
    for shared in README.split("<!-- shared -->\n").skip(1) {
        let (shared, _) = shared.split_once("<!-- /shared -->").unwrap();
        let shared = shared.replace("```rust\n", "```\n");
        assert!(docs.contains(&shared), "not in src/lib.rs:\n{shared}");
    }
}

/// The worked example of a new provider is a provider.
#[test]
fn contributing_shows_a_preset_as_it_is() {
    let preset = include_str!("../../src/provider/razorpay.rs");
    assert!(CONTRIBUTING.contains(&format!("```rust\n{preset}```\n")));
    let line = "    razorpay: razorpay;\n";
    assert!(CONTRIBUTING.contains(&format!("```rust\n{line}```\n")));
    let presets = include_str!("../../src/provider/mod.rs");
    assert!(presets.contains(line));
}

#[test]
fn the_first_two_commands_are_for_running_and_for_testing() {
    let mut commands = README.split("```sh\n").skip(1);
    let mut next = || commands.next().unwrap().split("```").next().unwrap();
    assert_eq!(
        next(),
        "cargo run --example quickstart --features axum,testing,tracing\n"
    );
    assert_eq!(next(), "cargo test --all-features\n");
}

/// Every relative link leads to a file of this repository.
#[test]
fn the_links_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for link in README.split("](").skip(1) {
        let link = link.split(')').next().unwrap();
        let file = link.split('#').next().unwrap();
        if !link.starts_with("https://") && !file.is_empty() {
            assert!(root.join(file).exists(), "{link}");
        }
    }
}

fn between(start: &str, end: &str) -> &'static str {
    let (_, rest) = README.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}
