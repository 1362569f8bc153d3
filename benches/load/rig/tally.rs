//! What was sent, and what came back.

use std::collections::BTreeMap;
use std::fmt;

/// Kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A new event.
    Genuine,
    /// The same request once more, after its event was processed.
    Repeated,
    /// The same request on several connections at once.
    Copies,
    /// A genuine request in pieces, within the time-out.
    InPieces,
    /// Signed with another secret, each from another address.
    Forged,
    /// The same, from one address.
    Frequent,
    /// A byte now and then, for longer than the time-out.
    Trickling,
    /// A part of the body, and then nothing.
    Stalled,
    /// A part of the headers, and then nothing.
    HalfHeaders,
    /// A length that is too large.
    Oversized,
    /// A body that is too large, without a length.
    OversizedChunks,
    /// A part of the body, and then a reset.
    Reset,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The handler's answer.
    Processed,
    /// 200, and empty.
    Acknowledged,
    /// Another status.
    Refused(u16),
    /// The server closed the connection.
    Closed,
    /// Nothing came for much too long.
    Silent,
    /// The sender did not wait for an answer.
    Unheard,
}

impl Class {
    /// What has to come back, and what may.
    const fn expects(self) -> (Outcome, &'static [Outcome]) {
        use Outcome::{Acknowledged, Closed, Processed, Refused, Unheard};
        match self {
            Self::Genuine | Self::InPieces => (Processed, &[]),
            Self::Repeated => (Acknowledged, &[]),
            Self::Copies => (Processed, &[Acknowledged, Refused(503)]),
            Self::Forged => (Refused(401), &[]),
            Self::Frequent => (Refused(429), &[Refused(401)]),
            Self::Trickling | Self::Stalled => (Refused(408), &[]),
            Self::HalfHeaders => (Closed, &[]),
            Self::Oversized | Self::OversizedChunks => (Refused(413), &[]),
            Self::Reset => (Unheard, &[]),
        }
    }
}

/// How often each came to what.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<Class, BTreeMap<Outcome, u64>>);

impl Tally {
    pub fn add(&mut self, class: Class, outcome: Outcome) {
        *self.0.entry(class).or_default().entry(outcome).or_default() += 1;
    }

    pub fn merge(&mut self, other: Self) {
        for (class, outcomes) in other.0 {
            for (outcome, count) in outcomes {
                *self.0.entry(class).or_default().entry(outcome).or_default() += count;
            }
        }
    }

    pub fn count(&self, class: Class, outcome: Outcome) -> u64 {
        let outcomes = self.0.get(&class);
        outcomes
            .and_then(|of| of.get(&outcome))
            .copied()
            .unwrap_or(0)
    }

    /// Every request, with every answer.
    pub fn sent(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }

    /// Requests whose handler's answer came back.
    pub fn processed(&self) -> u64 {
        let processed = |of: &BTreeMap<_, _>| of.get(&Outcome::Processed).copied();
        self.0.values().filter_map(processed).sum()
    }

    /// What came back and should not have, and what did not and should have.
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (class, outcomes) in &self.0 {
            let (must, may) = class.expects();
            if !outcomes.contains_key(&must) {
                found.push(format!("{class:?}: never {must:?}"));
            }
            for (outcome, count) in outcomes {
                if *outcome != must && !may.contains(outcome) {
                    found.push(format!("{class:?}: {count} times {outcome:?}"));
                }
            }
        }
        found
    }
}

/// A line for each class.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| requests | answers |\n|---|---|")?;
        for (class, outcomes) in &self.0 {
            let counts: Vec<_> = outcomes
                .iter()
                .map(|(outcome, count)| format!("{count} {outcome:?}"))
                .collect();
            writeln!(f, "| {class:?} | {} |", counts.join(", "))?;
        }
        Ok(())
    }
}
