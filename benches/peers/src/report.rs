//! What was measured, as one table.

use crate::deliveries::SIZES;
use crate::turns::Times;

/// Cases that took turns, at several sizes.
pub struct Group {
    pub title: String,
    rows: Vec<(String, String)>,
    /// What ratios are to.
    reference: &'static str,
    sizes: Vec<(usize, Times)>,
}

#[derive(Default)]
pub struct Report(Vec<Group>);

impl Group {
    pub fn new(
        title: String,
        rows: impl IntoIterator<Item = (String, String)>,
        reference: &'static str,
    ) -> Self {
        Self {
            title,
            rows: rows.into_iter().collect(),
            reference,
            sizes: Vec::new(),
        }
    }

    pub fn push(&mut self, size: usize, times: Times) {
        self.sizes.push((size, times));
    }

    fn at(&self, name: &str) -> usize {
        let found = self.rows.iter().position(|(row, _)| row == name);
        found.unwrap_or_else(|| panic!("{} has no {name}", self.title))
    }

    fn times(&self, size: usize) -> Option<&Times> {
        let mut sizes = self.sizes.iter();
        sizes.find(|(of, _)| *of == size).map(|(_, times)| times)
    }

    /// The time of `one` to that of `to`.
    pub fn ratio(&self, size: usize, one: &str, to: &str) -> f64 {
        self.times(size)
            .expect("a size that was measured")
            .ratio(self.at(one), self.at(to))
    }

    /// The same, without what the route takes that both are on.
    pub fn added_ratio(&self, size: usize, one: &str, to: &str, without: &str) -> f64 {
        let (one, to, without) = (self.at(one), self.at(to), self.at(without));
        let times = self.times(size).expect("a size that was measured");
        times.over_rounds(|time| (time(one) - time(without)) / (time(to) - time(without)))
    }

    fn print(&self) {
        let reference = self.at(self.reference);
        for (row, (name, version)) in self.rows.iter().enumerate() {
            let mut line = format!("| {} | {name} | {version} |", self.title);
            for size in SIZES {
                line += &match self.times(size) {
                    None => " |".to_owned(),
                    Some(times) => {
                        let (time, ratio) = (times.nanos(row), times.ratio(row, reference));
                        format!(" {} ({ratio:.2}×) |", written(time))
                    }
                };
            }
            println!("{line}");
        }
    }
}

fn written(nanos: f64) -> String {
    match nanos {
        ..1000.0 => format!("{nanos:.0} ns"),
        ..10_000.0 => format!("{:.2} µs", nanos / 1000.0),
        ..100_000.0 => format!("{:.1} µs", nanos / 1000.0),
        _ => format!("{:.0} µs", nanos / 1000.0),
    }
}

impl Report {
    pub fn push(&mut self, group: Group) {
        self.0.push(group);
    }

    pub fn group(&self, title: &str) -> &Group {
        let found = self.0.iter().find(|group| group.title == title);
        found.unwrap_or_else(|| panic!("nothing measured for {title}"))
    }

    pub fn print(&self) {
        println!("| what | by | version | 256 B | 1 KiB | 16 KiB | 256 KiB | 1 MiB |");
        println!("|---|---|---|---:|---:|---:|---:|---:|");
        for group in &self.0 {
            group.print();
        }
    }
}
