//! Every state that can be reached, breadth first.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use crate::rules::{Rule, broken, is_goal};
use crate::state::State;
use crate::steps::{Config, Event, after, events};

#[derive(Debug)]
pub struct Explored {
    pub states: usize,
    pub steps: usize,
    pub depth: usize,
}

/// A rule that does not hold, and how it comes to that.
#[derive(Debug)]
pub struct Broken {
    pub rule: Rule,
    pub trace: Vec<(Event, State)>,
}

impl Broken {
    pub fn told(&self) -> String {
        let mut told = format!("  {}:\n", self.rule.text());
        for (event, state) in &self.trace {
            let _ = writeln!(told, "    {event:?} -> {:?}", state.row);
        }
        told
    }
}

type Seen = HashMap<State, u32, BuildHasherDefault<Quick>>;

/// A hash for states, which nobody chooses to meet in one bucket: with the
/// standard library's, most of the time went into it.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

/// Explores everything, or until one of `rules` is broken.
pub fn search(config: &Config, rules: &[Rule]) -> Result<Explored, Box<Broken>> {
    let start = State::new(config.slots, config.faults.unwrap_or(0)).canonical();
    let mut states = vec![start];
    let mut parents = vec![0_u32];
    let mut depths = vec![0_u16];
    let mut seen: Seen = HashMap::default();
    seen.insert(start, 0);
    // Fair steps, from where they lead to where they come from.
    let mut fair: Vec<(u32, u32)> = Vec::new();
    let (mut found, mut steps, mut at) = (Vec::new(), 0, 0);
    while at < states.len() {
        let state = states[at];
        events(&state, config, &mut found);
        for &event in &found {
            steps += 1;
            let next = after(&state, event, config);
            if let Some(rule) = broken(&state, event, &next, config, rules) {
                let mut trace = told(config, &way_to(&states, &parents, at));
                let last = trace.last().map_or(start, |(_, state)| *state);
                // The same step, with deliveries numbered as in the trace.
                let mut these = Vec::new();
                events(&last, config, &mut these);
                trace.extend(these.into_iter().find_map(|event| {
                    let next = after(&last, event, config);
                    let it = broken(&last, event, &next, config, rules) == Some(rule);
                    it.then_some((event, next))
                }));
                return Err(Box::new(Broken { rule, trace }));
            }
            let canonical = next.canonical();
            let known = states.len() as u32;
            let number = *seen.entry(canonical).or_insert(known);
            if number == known {
                states.push(canonical);
                parents.push(at as u32);
                depths.push(depths[at] + 1);
            }
            if event.is_fair() {
                fair.push((number, at as u32));
            }
        }
        at += 1;
    }
    if let Some(stuck) = stuck(&states, fair).filter(|_| rules.contains(&Rule::Lost)) {
        let trace = told(config, &way_to(&states, &parents, stuck));
        let rule = Rule::Lost;
        return Err(Box::new(Broken { rule, trace }));
    }
    Ok(Explored {
        states: states.len(),
        steps,
        depth: usize::from(depths.last().copied().unwrap_or(0)),
    })
}

/// The first state from which no goal can be reached.
fn stuck(states: &[State], mut fair: Vec<(u32, u32)>) -> Option<usize> {
    fair.sort_unstable();
    let mut reaches: Vec<bool> = states.iter().map(is_goal).collect();
    let mut open: Vec<u32> = (0..states.len() as u32)
        .filter(|&at| reaches[at as usize])
        .collect();
    while let Some(at) = open.pop() {
        let first = fair.partition_point(|&(to, _)| to < at);
        for &(_, from) in fair[first..].iter().take_while(|&&(to, _)| to == at) {
            if !std::mem::replace(&mut reaches[from as usize], true) {
                open.push(from);
            }
        }
    }
    reaches.iter().position(|reaches| !reaches)
}

fn way_to(states: &[State], parents: &[u32], mut at: usize) -> Vec<State> {
    let mut way = vec![states[at]];
    while at != 0 {
        at = parents[at] as usize;
        way.push(states[at]);
    }
    way.reverse();
    way
}

/// The events along `way`, with deliveries that keep their numbers.
fn told(config: &Config, way: &[State]) -> Vec<(Event, State)> {
    let (mut trace, mut found) = (Vec::new(), Vec::new());
    let Some(&first) = way.first() else {
        return trace;
    };
    let mut state = first;
    for wanted in &way[1..] {
        events(&state, config, &mut found);
        let step = found.iter().find_map(|&event| {
            let next = after(&state, event, config);
            (next.canonical() == *wanted).then_some((event, next))
        });
        let (event, next) = step.expect("the way was walked before");
        trace.push((event, next));
        state = next;
    }
    trace
}
