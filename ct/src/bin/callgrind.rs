//! Under valgrind's callgrind: counts the instructions of each verification,
//! one file each. Then, with `compare` and the directory of the files: within a
//! shape only the verdict makes a difference, and that is always the same. See
//! `ct/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use tower_webhook::{Secret, provider};
use tower_webhook_ct::arena::Arena;
use tower_webhook_ct::case::copied;
use tower_webhook_ct::controls::{LEAKS, folded, mac};
use tower_webhook_ct::requests::{KEYS, OTHER};
use tower_webhook_ct::{asked, requests, valgrind};

#[global_allocator]
static ARENA: Arena = Arena::new();

const TENANT: &str = "tenant of ";
const CONTROL: &str = "control";
const MESSAGE: &[u8] = b"message";

/// Fewer would be a run that was cut short.
const CASES: usize = 430;

/// By how much a request for nobody may differ from one for somebody. A look-up
/// that finds something is not one that does not.
const TENANT_TOLERANCE: f64 = 0.01;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            assert!(valgrind::is_there(), "callgrind counts, and it is not here");
            count_all();
            ExitCode::SUCCESS
        }
        ["compare", directory] => compare(&read(Path::new(directory))),
        _ => panic!("usage: callgrind [compare DIRECTORY]"),
    }
}

/// Counts the last of a few runs: what is made on first use is there then.
fn count<T>(name: &str, prepare: &dyn Fn() -> T, run: &dyn Fn(T) -> bool, accepted: bool) {
    for _ in 0..3 {
        assert_eq!(run(prepare()), accepted, "{name}");
    }
    let name = CString::new(name).expect("a name without NUL");
    ARENA.begin_page();
    let mut prepared = Some(prepare());
    valgrind::count(&name, &mut || {
        black_box(prepared.take().is_some_and(run));
    });
}

fn count_all() {
    for case in requests::cases() {
        ARENA.begin_page();
        let verifier = case.verifier(case.secrets());
        let (family, shape, what) = (&case.family, &case.shape, &case.what);
        let verdict = if case.accepted { "accepted" } else { "refused" };
        count(
            &format!("{family}|{shape}|{verdict}|{what}"),
            &|| copied(&case.request),
            &|request| case.verify(&verifier, request),
            case.accepted,
        );
    }

    let keys: Vec<Vec<u8>> = KEYS.iter().map(|key| key.to_vec()).collect();
    let right = mac(&keys[0], MESSAGE);
    let [mut early, mut late] = [right; 2];
    early[0] ^= 1;
    late[31] ^= 1;
    let of_last = mac(&keys[2], MESSAGE);
    let all = LEAKS.iter().map(|control| (control.name, control.compare));
    for (name, compare) in all.chain([("all keys folded", folded as _)]) {
        let run = |sent: &[u8; 32]| compare(&keys, MESSAGE, sent);
        let count = |what: &str, sent: &[u8; 32], accepted| {
            let name = format!("{CONTROL}|{name}|{what}");
            count(&name, &|| sent, &run, accepted);
        };
        count("refused|early", &early, false);
        count("refused|late", &late, false);
        count("accepted|first key", &right, true);
        if matches!(name, "the first key that matches" | "all keys folded") {
            count("accepted|last key", &of_last, true);
        }
    }

    let runtime = asked::runtime();
    for (scheme, secret) in [
        (provider::github(), "ZV9sT2b7QnC4xLk8h3JwYp0R"),
        (
            provider::standard_webhooks(),
            "whsec_WlY5c1QyYjdRbkM0eExrOGgzSndZcDBS",
        ),
    ] {
        let verifier = asked::tenants(scheme.clone(), Secret::new(secret));
        for path in ["/acme", "/none"] {
            let request = asked::delivery(scheme.clone(), path, OTHER);
            count(
                &format!("{TENANT}{}|{path}|refused|", scheme.name()),
                &|| copied(&request),
                &|request| asked::verify(&runtime, &verifier, request),
                false,
            );
        }
    }
}

/// A family, a shape, a verdict and what is special.
type Name = [String; 4];

fn read(directory: &Path) -> BTreeMap<Name, u64> {
    let mut counts = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("the directory of the counts") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a readable file");
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let Some(name) = line("desc: Trigger: Client Request: ") else {
            continue;
        };
        let parts: Vec<String> = name.split('|').map(str::to_owned).collect();
        let total = line("totals: ").and_then(|total| total.trim().parse().ok());
        counts.insert(
            parts.try_into().expect("a name of four parts"),
            total.expect("a total"),
        );
    }
    counts
}

fn compare(counts: &BTreeMap<Name, u64>) -> ExitCode {
    let mut failures = 0;
    let mut fail = |why: String| {
        println!("FAILED: {why}");
        failures += 1;
    };

    // By family and shape: the counts of what is accepted, and of what is not.
    let mut shapes: BTreeMap<(&str, &str), [BTreeSet<u64>; 2]> = BTreeMap::new();
    for ([family, shape, verdict, _], total) in counts {
        let verdicts = shapes.entry((family, shape)).or_default();
        verdicts[usize::from(verdict == "accepted")].insert(*total);
    }
    let mut differences: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for ((family, shape), verdicts) in &shapes {
        let is_constant = verdicts.iter().all(|totals| totals.len() == 1);
        match *family {
            _ if family.starts_with(TENANT) => {}
            CONTROL => {
                let leaks = LEAKS.iter().find(|control| control.name == *shape);
                println!("control, {shape}: {verdicts:?}");
                match leaks {
                    Some(control) if control.counts_differ && is_constant => {
                        fail(format!("{shape}: this leak was not found"));
                    }
                    None if !is_constant => fail(format!("{shape}: differs without a leak")),
                    _ => {}
                }
            }
            _ if !is_constant => {
                fail(format!("{family}, {shape}: the counts differ"));
                for ([_, _, verdict, what], total) in counts
                    .iter()
                    .filter(|(name, _)| name[0] == *family && name[1] == *shape)
                {
                    println!("    {total} {verdict}, {what}");
                }
            }
            _ => {
                let [refused, accepted] = [0, 1].map(|verdict: usize| {
                    let total = verdicts[verdict].first().copied().unwrap_or_default();
                    i64::try_from(total).expect("no count is that large")
                });
                println!("{family}, {shape}: {refused} refused, {accepted} accepted");
                // A wrong token is refused before the body.
                differences
                    .entry(family)
                    .or_default()
                    .insert(accepted - refused);
            }
        }
    }
    for (family, differences) in differences {
        if differences.len() > 1 && !family.to_lowercase().contains("token") {
            fail(format!(
                "{family}: what the verdict costs depends on keys or signatures: {differences:?}"
            ));
        }
    }

    let tenants = || {
        shapes
            .iter()
            .filter(|((family, _), _)| family.starts_with(TENANT))
    };
    for ((family, _), [known, _]) in tenants().filter(|((_, path), _)| *path == "/acme") {
        let unknown = shapes.get(&(*family, "/none"));
        let [Some(known), Some(unknown)] = [Some(known), unknown.map(|[refused, _]| refused)]
            .map(|totals| totals.and_then(BTreeSet::first))
        else {
            fail(format!("{family}: was not counted"));
            continue;
        };
        let difference = *unknown as f64 / *known as f64 - 1.0;
        println!(
            "{family}: {known} known, {unknown} unknown, {:+.2} %",
            difference * 100.0
        );
        if difference.abs() > TENANT_TOLERANCE {
            fail(format!(
                "{family}: an unknown one does not take as long as a known one"
            ));
        }
    }
    println!("{} counts, {failures} failures", counts.len());
    ExitCode::from(u8::from(failures > 0 || counts.len() < CASES))
}
