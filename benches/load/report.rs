//! What was promised, and whether it was so.

use std::fmt::Display;
use std::process::ExitCode;

#[derive(Default)]
pub struct Report {
    promises: Vec<(bool, String)>,
}

impl Report {
    pub fn check(&mut self, holds: bool, promise: impl Display) {
        let word = if holds { "holds" } else { "VIOLATED" };
        println!("- {word}: {promise}");
        self.promises.push((holds, promise.to_string()));
    }

    pub fn conclude(self) -> ExitCode {
        let violated = self.promises.iter().filter(|(holds, _)| !holds);
        let violated: Vec<_> = violated.collect();
        println!(
            "\n{} checks, {} violated",
            self.promises.len(),
            violated.len()
        );
        for (_, promise) in &violated {
            println!("- {promise}");
        }
        match violated.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
