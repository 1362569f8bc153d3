//! What is demanded, and whether it is so.

use crate::apps;
use crate::core;
use crate::deliveries::{Provider, SIZES};
use crate::report::Report;

/// A ratio, where it was measured.
struct At {
    ratio: f64,
    place: String,
}

struct Target {
    what: &'static str,
    demanded: String,
    /// The one that is farthest from what is demanded.
    worst: At,
    met: bool,
}

fn at_least(what: &'static str, least: f64, found: Vec<At>) -> Target {
    let worst = found.into_iter().min_by(|a, b| a.ratio.total_cmp(&b.ratio));
    let worst = worst.expect("a target that was measured");
    Target {
        what,
        demanded: format!("≥ {least}×"),
        met: worst.ratio >= least,
        worst,
    }
}

/// To a hundredth, as it is printed.
fn at_most(what: &'static str, most: f64, found: Vec<At>) -> Target {
    let worst = found.into_iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio));
    let worst = worst.expect("a target that was measured");
    Target {
        what,
        demanded: format!("≤ {most}×"),
        met: (worst.ratio * 100.0).round() <= most * 100.0,
        worst,
    }
}

fn sized(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

pub fn print(report: &Report) {
    println!("\n| target | demanded | measured, at its worst | where | |");
    println!("|---|---:|---:|---|---|");
    let mut targets = verification(report);
    targets.extend(routes(report));
    for Target {
        what,
        demanded,
        worst: At { ratio, place },
        met,
    } in targets
    {
        let verdict = if met {
            "target met"
        } else {
            "**target not met**"
        };
        println!("| {what} | {demanded} | {ratio:.2}× | {place} | {verdict} |");
    }
}

/// Everybody in the group of a provider that verifies, but for us.
fn peers(provider: Provider) -> &'static [&'static str] {
    match provider {
        Provider::GitHub => &[core::WEBHOOK_VERIFY],
        Provider::Stripe => &[core::WEBHOOK_VERIFY, core::STRIPE, core::STRIPE_ALONE],
        Provider::StandardWebhooks => &[core::WEBHOOK_VERIFY, core::STANDARD_WEBHOOKS, core::SVIX],
    }
}

/// Ours that does what the peers do: nobody needs the time for GitHub's scheme.
fn ours(provider: Provider) -> &'static str {
    match provider {
        Provider::GitHub => core::OURS_AT,
        Provider::Stripe | Provider::StandardWebhooks => core::OURS,
    }
}

fn verification(report: &Report) -> Vec<Target> {
    let ratios =
        |one: Option<&'static str>, to: Option<&str>, providers: &[Provider], sizes: &[usize]| {
            let mut found = Vec::new();
            for &provider in providers {
                let group = report.group(&format!("verify, {}", provider.name()));
                let all = one.as_ref().map_or(peers(provider), std::slice::from_ref);
                for (one, &size) in all
                    .iter()
                    .flat_map(|one| sizes.iter().map(move |s| (one, s)))
                {
                    let name = if all.len() > 1 { one } else { "" };
                    let place = format!("{} {} {name}", provider.name(), sized(size));
                    let ratio = match to {
                        Some(raw) => group.ratio(size, core::OURS_AT, raw),
                        None => group.ratio(size, one, ours(provider)),
                    };
                    found.push(At { ratio, place });
                }
            }
            found
        };
    let all = &Provider::ALL[..];
    let standard = &[Provider::StandardWebhooks][..];
    let large = &SIZES[1..];
    let mut targets = vec![
        at_least("a peer ÷ us", 1.0, ratios(None, None, all, &SIZES)),
        at_least(
            "webhook-verify ÷ us, 1 KiB",
            1.35,
            ratios(Some(core::WEBHOOK_VERIFY), None, all, &[1024]),
        ),
        at_least(
            "svix ÷ us, from 1 KiB",
            5.0,
            ratios(Some(core::SVIX), None, standard, large),
        ),
        at_least(
            "standardwebhooks ÷ us, from 1 KiB",
            5.0,
            ratios(Some(core::STANDARD_WEBHOOKS), None, standard, large),
        ),
    ];
    for (raw, what) in [
        (
            core::RAW,
            [
                "us ÷ bare HMAC, 256 B",
                "us ÷ bare HMAC, 1 KiB",
                "us ÷ bare HMAC, from 16 KiB",
            ],
        ),
        (
            core::RAW_KEYED,
            [
                "us ÷ bare HMAC with its key set up for each, 256 B",
                "the same, 1 KiB",
                "the same, from 16 KiB",
            ],
        ),
    ] {
        let limits = [
            (1.35, &SIZES[..1]),
            (1.15, &SIZES[1..2]),
            (1.02, &SIZES[2..]),
        ];
        for (what, (most, sizes)) in what.into_iter().zip(limits) {
            for provider in Provider::ALL {
                let ratios = ratios(Some(core::OURS_AT), Some(raw), &[provider], sizes);
                targets.push(at_most(what, most, ratios));
            }
        }
    }
    targets
}

fn routes(report: &Report) -> Vec<Target> {
    let github = "route, GitHub";
    let standard = "route, Standard Webhooks";
    let added = |title: &str, one: &str, to: &str| {
        let group = report.group(title);
        let found = SIZES.map(|size| At {
            ratio: group.added_ratio(size, one, to, apps::BARE),
            place: format!("{title}, {}", sized(size)),
        });
        Vec::from(found)
    };
    let in_all = |title: &str, one: &str, to: &str| {
        let group = report.group(title);
        let found = SIZES.map(|size| At {
            ratio: group.ratio(size, one, to),
            place: format!("{title}, {}", sized(size)),
        });
        Vec::from(found)
    };
    let whole = apps::WHOLE;
    vec![
        at_most(
            "everything on ÷ check by hand, added",
            1.0,
            added(github, whole, apps::BY_HAND),
        ),
        at_most(
            "the same, route and all",
            1.0,
            in_all(github, whole, apps::BY_HAND),
        ),
        at_most(
            "everything on ÷ lean check by hand, added",
            1.0,
            added(github, whole, apps::BY_HAND_LEAN),
        ),
        at_most(
            "everything on ÷ webhook-verify's layer, added",
            1.0,
            added(github, whole, apps::WEBHOOK_VERIFY),
        ),
        at_most(
            "the same, route and all",
            1.0,
            in_all(github, whole, apps::WEBHOOK_VERIFY),
        ),
        at_most(
            "everything on ÷ webhook-verify's layer, added",
            1.0,
            added(standard, whole, apps::WEBHOOK_VERIFY),
        ),
        at_most(
            "the same, route and all",
            1.0,
            in_all(standard, whole, apps::WEBHOOK_VERIFY),
        ),
        at_most(
            "`VerifyLayer` ÷ webhook-verify's, added",
            1.0,
            added(github, apps::VERIFY, apps::WEBHOOK_VERIFY),
        ),
        at_most(
            "`VerifyLayer` ÷ webhook-verify's, added",
            1.0,
            added(standard, apps::VERIFY, apps::WEBHOOK_VERIFY),
        ),
        at_most(
            "everything on ÷ tower-github-webhook, added",
            1.0,
            added(github, whole, apps::TOWER_GITHUB),
        ),
        at_most(
            "everything on ÷ axum-github-webhook-extract, added",
            1.0,
            added(github, whole, apps::GITHUB_EXTRACT),
        ),
        at_most(
            "everything on ÷ axum-standardwebhooks, added",
            1.0,
            added(standard, whole, apps::STANDARD_EXTRACT),
        ),
        at_most(
            "everything on ÷ tower_governor + extractor, added",
            1.0,
            added(github, whole, apps::GOVERNED_GITHUB),
        ),
        at_most(
            "everything on ÷ tower_governor + extractor, added",
            1.0,
            added(standard, whole, apps::GOVERNED_STANDARD),
        ),
    ]
}
