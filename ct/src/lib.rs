//! Whether the time that a verification takes tells anything of the secrets.
//! See `ct/README.md`.

pub mod arena;
pub mod asked;
pub mod case;
pub mod controls;
pub mod presets;
pub mod requests;
pub mod valgrind;
