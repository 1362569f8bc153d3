//! What runs behind `DedupLayer`, in every order of answers, ends, disconnections, time
//! and shutdown. See `models/README.md`.

mod check;
mod choices;
mod event;
mod finale;
mod judge;
mod route;
mod rows;
mod sender;
mod store;
mod world;
mod wrong;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Handlers panic here because they are told to.
    std::panic::set_hook(Box::new(|panic| {
        if panic.payload_as_str() != Some(route::AS_TOLD) {
            eprintln!("{panic}");
        }
    }));
    let tell = std::env::args().any(|argument| argument == "--traces");
    let mut failed = false;
    let mut report = |title: &str, result: Result<String, String>| match result {
        Ok(line) => println!("{title}: {line}"),
        Err(why) => {
            failed = true;
            println!("{title}: FAILED\n{why}");
        }
    };
    for case in check::CASES {
        report(case.name, case.holds());
    }
    for (what, ones) in [("wrong", wrong::ALL), ("known", wrong::KNOWN)] {
        for one in ones {
            report(&format!("{what}: {}", one.name), one.fails(tell));
        }
    }
    ExitCode::from(u8::from(failed))
}
