//! The tests that the documentation's table of guarantees names.

use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../../src/store/guarantees.md");

#[test]
fn every_test_that_the_guarantees_name_is_there() {
    let mut count = 0;
    let words = TABLE.split('`').filter(|word| word.contains("::"));
    for name in words.filter(|word| !word.starts_with("OnStoreFailure")) {
        assert!(is_test(name), "there is no test {name}");
        count += 1;
    }
    assert!(count > 40, "{count}");
    assert!(!is_test("stores::faults::crash::c7_an_event"));
}

#[test]
fn every_promise_has_a_test() {
    for row in TABLE.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [when, promised, _, tests] = cells[..] else {
            panic!("four cells: {row}");
        };
        // The servers' own business, which they promise themselves.
        let theirs = when.contains("promoted");
        assert!(promised.is_empty() || theirs || !tests.is_empty(), "{when}");
    }
}

/// Whether there is a test of this name in the file of its module.
fn is_test(name: &str) -> bool {
    let (path, function) = name.rsplit_once("::").unwrap();
    let (first, path) = path.split_once("::").unwrap_or((path, ""));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = match first {
        "lib" => root.join("src"),
        other => root.join("tests").join(other),
    };
    let module: PathBuf = root.join(path.replace("::", "/"));
    let files = [module.with_extension("rs"), module.join("mod.rs")];
    let source = files.iter().find_map(|file| fs::read_to_string(file).ok());
    let source = source.unwrap_or_else(|| panic!("no module of {name}"));
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let function = format!("fn {function}(");
    let Some(at) = lines.iter().position(|line| line.contains(&function)) else {
        return false;
    };
    let above = lines[..at].iter().rev();
    let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}
