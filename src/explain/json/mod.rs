//! JSON that was parsed and written again.

mod text;
mod tree;

use super::body::{RAW, is_signed};
use super::explanation::{Cause, Explanation};
use super::trial::Trial;

use self::text::Escapes;
use self::tree::{Layout, Node};

pub(super) fn explain(trial: &mut Trial<'_>) -> Option<Explanation> {
    let body = trial.small_body().filter(|_| is_signed(trial.scheme()))?;
    let as_sent = Node::parse(body)?;
    let sorted = as_sent.sorted();
    for escapes in Escapes::ALL {
        for layout in Layout::ALL {
            for (tree, order) in [(&as_sent, ""), (&sorted, ", its keys sorted")] {
                let written = tree.write(layout, escapes);
                if written.is_some_and(|text| trial.holds_over(text.as_bytes())) {
                    return Some(Explanation::proved(
                        Cause::BodyReserialised,
                        format!(
                            "The signature is right over the JSON written {}{}{order}, so \
                             it was parsed and written again: {RAW} (axum's `Json` does).",
                            layout.name(),
                            escapes.name(),
                        ),
                    ));
                }
            }
        }
    }
    None
}

/// Everything that is tried, in order.
#[cfg(test)]
pub(super) fn forms(body: &[u8]) -> Vec<String> {
    let tree = Node::parse(body);
    let trees: Vec<_> = tree
        .iter()
        .flat_map(|tree| [tree.clone(), tree.sorted()])
        .collect();
    let mut forms = Vec::new();
    for escapes in Escapes::ALL {
        for layout in Layout::ALL {
            forms.extend(trees.iter().filter_map(|tree| tree.write(layout, escapes)));
        }
    }
    forms
}

/// Whether the body looks like what a library makes of a JSON value without the
/// order of its keys: compact, and every object sorted.
pub(super) fn looks_sorted(body: &[u8]) -> bool {
    let Some(tree) = Node::parse(body) else {
        return false;
    };
    tree.keys() >= 4
        && tree
            .sorted()
            .write(Layout::Compact, Escapes::AsWritten)
            .is_some_and(|text| text.as_bytes() == body)
}
