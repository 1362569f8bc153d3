//! What can happen in a history, and how often.

use crate::route::End;
use crate::sender::{Sender, Sent};

/// What may happen, and how often.
#[derive(Clone, Copy)]
pub struct Limits {
    pub sender: Sender,
    pub deliveries: usize,
    pub disconnections: usize,
    /// Steps of the store, or their answers, that are lost, or late.
    pub faults: usize,
    pub ticks: usize,
    pub shutdown: bool,
    pub crash: bool,
    /// Whether handlers may fail and panic.
    pub failures: bool,
    /// Whether whoever is woken is polled before anything else happens.
    pub prompt: bool,
    /// Whether all deliveries but the first come when the ticks are over.
    pub later: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Delivered(Sent),
    Polled(usize),
    Disconnected(usize),
    Reached(usize),
    AnswerLost(usize),
    StepLost(usize),
    ReachedLate(usize),
    Ended(usize, End),
    Tick,
    Shutdown,
    Crash,
}

/// What a run came to.
#[derive(Default)]
pub struct Told {
    pub events: Vec<Event>,
    pub wrong: Option<&'static str>,
    /// How often something ran on in a task of its own.
    pub detached: usize,
}
