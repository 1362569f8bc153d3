//! Under valgrind's memcheck: no branch and no address depends on a secret, but
//! for the verdict itself. See `ct/README.md`.

use std::process::ExitCode;

use tower_webhook_ct::case::{Case, counted};
use tower_webhook_ct::controls::{Compare, LEAKS, folded};
use tower_webhook_ct::{asked, presets, requests, valgrind};

const MESSAGE: &[u8] = b"message";

fn main() -> ExitCode {
    assert!(valgrind::is_there(), "memcheck counts, and it is not here");
    let optimised = std::env::args().nth(1).as_deref() == Some("--optimised");
    let mut failures = 0;
    let mut fail = |what: &str, why: String| {
        println!("FAILED: {what}: {why}");
        failures += 1;
    };

    for control in &LEAKS {
        let must = control.found_optimised || !optimised;
        let found = control_errors(control.compare);
        let verdict = if found > 0 { "found" } else { "not found" };
        println!("control, {}: {verdict}, {found} errors", control.name);
        if found == 0 && must {
            fail(control.name, "this leak was not found".to_owned());
        }
    }
    match control_errors(folded) {
        0 => println!("control, all keys folded: clean"),
        found => fail(
            "all keys folded",
            format!("{found} errors in what has no leak"),
        ),
    }

    let mut cases: Vec<(String, bool, usize, (usize, bool))> = Vec::new();
    let run = |case: Case| (case.name(), case.accepted, case.verdicts, case.probe());
    cases.extend(requests::cases().into_iter().map(run));
    cases.extend(presets::cases().into_iter().map(run));
    cases.extend(asked::cases());
    for (name, expected, verdicts, (errors, accepted)) in &cases {
        if accepted != expected {
            fail(name, format!("accepted is {accepted}"));
        }
        if errors != verdicts {
            fail(
                name,
                format!("{errors} branches on secrets, of which {verdicts} for the verdict"),
            );
        }
    }
    println!("{} cases, {failures} failures", cases.len());
    ExitCode::from(u8::from(failures > 0))
}

/// The errors in refusing a MAC that is right up to its last byte, and in
/// accepting that of the second key.
fn control_errors(compare: Compare) -> usize {
    let keys = requests::KEYS[..2].iter().map(|key| key.to_vec());
    let mut keys: Vec<Vec<u8>> = keys.collect();
    let right = tower_webhook_ct::controls::mac(&keys[1], MESSAGE);
    let mut wrong = tower_webhook_ct::controls::mac(&keys[0], MESSAGE);
    wrong[31] ^= 1;
    keys.iter_mut().for_each(|key| valgrind::poison(key));
    let (refusing, _) = counted(|| compare(&keys, MESSAGE, &wrong));
    let (accepting, _) = counted(|| compare(&keys, MESSAGE, &right));
    refusing + accepting
}
