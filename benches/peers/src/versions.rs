//! What was measured: the versions in the lock file.

const LOCK: &str = include_str!("../Cargo.lock");

/// The newest version of `name` in the lock file, which is the one that this
/// package asks for.
pub fn version(name: &str) -> &'static str {
    let head = format!("name = \"{name}\"\nversion = \"");
    let mut found: Vec<&str> = LOCK
        .split("[[package]]\n")
        .filter_map(|package| package.strip_prefix(head.as_str()))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    found.sort_by_key(|version| numbers(version));
    found
        .pop()
        .unwrap_or_else(|| panic!("{name} is not in Cargo.lock"))
}

fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// `names` with their versions.
pub fn versions(names: &[&str]) -> String {
    let each: Vec<String> = names
        .iter()
        .map(|name| format!("{name} {}", version(name)))
        .collect();
    each.join(", ")
}
