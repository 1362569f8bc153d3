//! What the README says, held against what is true.

use tower_webhook::provider;

const README: &str = include_str!("../../README.md");
const LIB: &str = include_str!("../../src/lib.rs");
const CONTRIBUTING: &str = include_str!("../../CONTRIBUTING.md");

#[test]
fn the_list_of_presets_is_that_of_the_registry() {
    let names: Vec<String> = provider::all()
        .map(|preset| format!("`{}`", preset.name()))
        .collect();
    let list = names.join(", ");
    let expected = format!("\n{} presets: {}.\n", names.len(), wrapped(&list));
    let found = between(README, "<!-- presets -->", "<!-- /presets -->");
    bless("README.md", README, found, &expected);
}

/// At most 88 characters a line.
fn wrapped(text: &str) -> String {
    let mut width = 13;
    let mut lines = String::new();
    for (position, word) in text.split(' ').enumerate() {
        if position > 0 && width + word.len() > 86 {
            lines.push('\n');
            width = 0;
        } else if position > 0 {
            lines.push(' ');
        }
        lines.push_str(word);
        width += word.len() + 1;
    }
    lines
}

/// Demands `expected` where `found` is in `file`; with `BLESS` set, writes it
/// there.
pub fn bless(file: &str, text: &str, found: &str, expected: &str) {
    if std::env::var_os("BLESS").is_some() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        std::fs::write(path, text.replacen(found, expected, 1)).unwrap();
    } else {
        assert!(
            found == expected,
            "{file} is behind: run the tests once with BLESS=1"
        );
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
    let tests = next();
    let (install, test) = tests.split_once(" &&\n    ").unwrap();
    assert!(install.starts_with("apt-get "), "{install}");
    assert_eq!(test, "cargo test --all-features\n");
}

/// Every relative link leads to a file of this repository.
#[test]
fn the_links_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = [
        README,
        CONTRIBUTING,
        include_str!("../../ARCHITECTURE.md"),
        include_str!("../../DEPENDENCIES.md"),
        include_str!("../../SECURITY.md"),
        include_str!("../../THREAT_MODEL.md"),
    ];
    for link in pages.iter().flat_map(|page| page.split("](").skip(1)) {
        let link = link.split(')').next().unwrap();
        let file = link.split('#').next().unwrap();
        if !link.starts_with("https://") && !file.is_empty() {
            assert!(root.join(file).exists(), "{link}");
        }
    }
}

/// What stands in `text` between two marks.
pub fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}
