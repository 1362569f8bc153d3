//! The example `many_machines`, as a user starts it.

use std::process::Command;

#[test]
fn many_machines_on_redis() {
    check("redis");
}

#[test]
fn many_machines_on_postgresql() {
    check("postgres");
}

fn check(store: &str) {
    let mut binary = std::env::current_exe().unwrap();
    binary.pop();
    binary.set_file_name("examples");
    binary.push("many_machines");
    assert!(
        binary.exists(),
        "{} is missing: run `cargo build --examples --all-features` first",
        binary.display()
    );
    let output = Command::new(binary).arg(store).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let mut answers = text.lines().filter_map(|line| line.strip_prefix("  "));
    let mut next = || answers.next().unwrap_or_else(|| panic!("{text}"));

    let machine = |answer: &str| answer.split([' ', ':']).nth(2).unwrap().to_owned();
    let first = next();
    assert!(first.ends_with(": processed, attempt 1"), "{text}");
    let duplicate = next();
    assert!(duplicate.starts_with("200 from "), "{text}");
    assert!(duplicate.ends_with(": an empty body"), "{text}");
    assert_ne!(machine(first), machine(duplicate), "{text}");
    assert!(next().starts_with("401 "), "{text}");
    assert!(next().starts_with("503 "), "{text}");
    assert!(next().ends_with(": processed, attempt 1"), "{text}");
    assert_eq!(next(), "502 from nginx: its own page", "{text}");
    let last = answers.next_back().unwrap();
    assert!(last.ends_with(": processed, attempt 2"), "{text}");
    assert!(answers.all(|answer| answer.starts_with("503 ")), "{text}");
}
