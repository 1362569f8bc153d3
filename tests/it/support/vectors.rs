//! Known answers, as files.

use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// The files of `folder` in `tests/vectors`, by their names.
pub fn read<T: DeserializeOwned>(folder: &str) -> Vec<(String, T)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            found.push((file, serde_json::from_str(&text).unwrap()));
        }
    }
    found
}
