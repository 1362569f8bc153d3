use super::error::{Place, PublishedErrorKind};
use super::format::Found;

pub(super) fn read(
    text: &str,
    found: &mut Found,
) -> Result<(), (PublishedErrorKind, Option<Place>)> {
    for (number, line) in text.lines().enumerate() {
        let mut column = 1;
        // The comment is cut off afterwards, so that `#` counts as a column.
        let listed = line.split('#').next().unwrap_or_default();
        for entry in listed.split(|c: char| c == ',' || c.is_ascii_whitespace()) {
            if !entry.is_empty() {
                found.add(entry).map_err(|kind| {
                    let line = number + 1;
                    (kind, Some(Place { line, column }))
                })?;
            }
            column += entry.len() + 1;
        }
    }
    Ok(())
}
