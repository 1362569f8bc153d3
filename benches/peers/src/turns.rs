//! Cases that take turns, a batch each, in CPU time of the thread.
//!
//! As in `benches/ratios`: whatever else the machine does falsifies all cases of
//! a round alike, and a ratio is the median over the rounds.

use std::time::Duration;

use cpu_time::ThreadTime;

/// How long is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// The least that a batch takes, if that is not fixed.
    pub batch: Duration,
}

impl Effort {
    pub const FULL: Self = Self {
        rounds: 61,
        batch: Duration::from_micros(1500),
    };
    pub const QUICK: Self = Self {
        rounds: 9,
        batch: Duration::from_micros(300),
    };
}

pub struct Case<'a> {
    /// Runs before each batch, unmeasured, with the size of the batch.
    pub prepare: Box<dyn FnMut(usize) + 'a>,
    pub run: Box<dyn FnMut(usize) + 'a>,
}

/// Makes a case of what is run once.
pub fn case<'a, T>(mut once: impl FnMut() -> T + 'a) -> Case<'a> {
    Case {
        prepare: Box::new(|_| {}),
        run: Box::new(move |iterations| {
            for _ in 0..iterations {
                std::hint::black_box(once());
            }
        }),
    }
}

/// Nanoseconds per iteration of every case in every round.
pub struct Times(Vec<Vec<f64>>);

/// Measures `cases` in turns, in batches of `fixed` iterations or as many as
/// take long enough.
pub fn measure(cases: &mut [Case<'_>], fixed: Option<usize>, effort: Effort) -> Times {
    let iterations: Vec<usize> = cases
        .iter_mut()
        .map(|case| fixed.unwrap_or_else(|| enough(case, effort)))
        .collect();
    let mut times = vec![Vec::with_capacity(effort.rounds); cases.len()];
    // The first round warms up.
    for round in 0..=effort.rounds {
        for ((case, &iterations), times) in cases.iter_mut().zip(&iterations).zip(&mut times) {
            (case.prepare)(iterations);
            let start = ThreadTime::now();
            (case.run)(iterations);
            let nanos = start.elapsed().as_nanos() as f64;
            if round > 0 {
                times.push(nanos / iterations as f64);
            }
        }
    }
    Times(times)
}

fn enough(case: &mut Case<'_>, effort: Effort) -> usize {
    let mut iterations = 1;
    loop {
        (case.prepare)(iterations);
        let start = ThreadTime::now();
        (case.run)(iterations);
        if start.elapsed() >= effort.batch {
            return iterations;
        }
        iterations *= 2;
    }
}

impl Times {
    pub fn nanos(&self, case: usize) -> f64 {
        median(self.0[case].clone())
    }

    /// The median over the rounds of `map` applied to the times of a round.
    pub fn over_rounds(&self, map: impl Fn(&dyn Fn(usize) -> f64) -> f64) -> f64 {
        let rounds = 0..self.0[0].len();
        median(
            rounds
                .map(|round| map(&|case| self.0[case][round]))
                .collect(),
        )
    }

    pub fn ratio(&self, case: usize, to: usize) -> f64 {
        self.over_rounds(|time| time(case) / time(to))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
