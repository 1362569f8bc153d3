//! `tests/attacks.md`: which tests try which attack.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::readme::bless;

const INDEX: &str = include_str!("../attacks.md");

/// What is shown by other means than a test with the attack's number.
const ELSEWHERE: [(&str, &str); 1] = [("A24", "`ct/run`, in CI")];

const CASES: usize = 114;

#[test]
fn every_attack_is_tried_by_the_tests_that_the_index_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeMap::new();
    for folder in ["src", "tests"] {
        collect(root, &root.join(folder), &mut tests);
    }
    for (number, place) in ELSEWHERE {
        tests
            .entry(number.to_owned())
            .or_default()
            .insert(0, place.to_owned());
    }
    let mut expected = String::new();
    let mut cases = 0;
    for line in INDEX.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        match cells.as_slice() {
            [number, attack, answer, ..] if is_case(number) => {
                cases += 1;
                let number = number.trim_start_matches("| ");
                let shown = tests.remove(number).unwrap_or_default().join(", ");
                assert!(
                    !shown.is_empty(),
                    "no test is named {}_…",
                    number.to_lowercase()
                );
                writeln!(expected, "| {number} | {attack} | {answer} | {shown} |").unwrap();
            }
            _ => writeln!(expected, "{line}").unwrap(),
        }
    }
    assert_eq!(cases, CASES);
    assert!(tests.is_empty(), "no attacks are called {:?}", tests.keys());
    bless("tests/attacks.md", INDEX, INDEX, &expected);
}

fn is_case(cell: &str) -> bool {
    let number = cell.strip_prefix("| ").unwrap_or_default();
    let (group, digits) = number.split_at(number.len().min(1));
    matches!(group, "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H") && digits.parse::<u8>().is_ok()
}

/// The functions in `folder` whose names begin with numbers of attacks, in the
/// order of their files.
fn collect(root: &Path, folder: &Path, tests: &mut BTreeMap<String, Vec<String>>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(root).unwrap().display().to_string();
            let source = fs::read_to_string(&path).unwrap();
            for name in functions(&source) {
                let numbers = name.split('_').map(str::to_uppercase);
                for number in numbers.take_while(|number| is_case(&format!("| {number}"))) {
                    let shown = format!("[`{name}`](../{file})");
                    tests.entry(number).or_default().push(shown);
                }
            }
        }
    }
}

fn functions(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")?.split(['(', '<']).next()
    })
}
