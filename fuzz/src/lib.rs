//! What the fuzz targets share: requests from bytes, and second
//! implementations that are written down as naively as possible.
//!
//! Inputs are text after a few control bytes, so that the seeds, the dictionary
//! and a crash can be read.

pub mod body;
pub mod certificates;
pub mod components;
pub mod content;
pub mod events;
pub mod form;
pub mod forwarded;
pub mod guarded;
pub mod json;
pub mod judge;
pub mod keys;
pub mod message;
pub mod oracle;
pub mod receivers;
pub mod recorder;
pub mod row;
pub mod signed;
pub mod signers;
pub mod spelling;
pub mod steps;
pub mod structured;
pub mod text;
pub mod time;
pub mod token;
pub mod url;
