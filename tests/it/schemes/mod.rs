//! Schemes of a user's own: what no preset does, and what cannot be configured.

mod code;
mod contradictions;
mod early;
mod own;
mod printed;
