//! Schemes of a user's own: what no preset does, and what cannot be configured.

mod contradictions;
mod own;
mod printed;
