//! Cases that take turns.

use std::time::Duration;

use cpu_time::ThreadTime;

const ROUNDS: usize = 41;
const BATCH: Duration = Duration::from_micros(1500);

pub struct Case<'a> {
    /// Runs before each batch, unmeasured.
    pub prepare: Box<dyn FnMut() + 'a>,
    pub run: Box<dyn FnMut(u64) + 'a>,
}

/// Makes a case of what is run once.
pub fn case<'a, T>(mut once: impl FnMut() -> T + 'a) -> Case<'a> {
    Case {
        prepare: Box::new(|| {}),
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
pub fn measure(cases: &mut [Case<'_>], fixed: Option<u64>) -> Times {
    let iterations: Vec<u64> = cases
        .iter_mut()
        .map(|case| {
            fixed.unwrap_or_else(|| {
                let mut iterations = 1;
                loop {
                    (case.prepare)();
                    let start = ThreadTime::now();
                    (case.run)(iterations);
                    if start.elapsed() >= BATCH {
                        return iterations;
                    }
                    iterations *= 2;
                }
            })
        })
        .collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for ((case, iterations), times) in cases.iter_mut().zip(&iterations).zip(&mut times) {
            (case.prepare)();
            let start = ThreadTime::now();
            (case.run)(*iterations);
            #[allow(clippy::cast_precision_loss)]
            times.push(start.elapsed().as_nanos() as f64 / *iterations as f64);
        }
    }
    Times(times)
}

impl Times {
    pub fn nanos(&self, case: usize) -> f64 {
        median(self.0[case].clone())
    }

    /// The median over the rounds of `map` applied to the times of a round.
    pub fn over_rounds(&self, map: impl Fn(&dyn Fn(usize) -> f64) -> f64) -> f64 {
        median(
            (0..ROUNDS)
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
