//! A route with a guard, called in process: genuine requests and refused ones.

use std::cell::RefCell;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt};

use crate::apps::{self, App};
use crate::deliveries::{Deliveries, Kind, Provider, SIZES, arriving};
use crate::report::{Group, Report};
use crate::turns::{Case, Effort, measure};

/// The requests of a batch, made before it is measured.
struct Waiting {
    deliveries: Deliveries,
    made: Vec<Request<Body>>,
    /// What the requests hold, so that to free it is nobody's work.
    bodies: Vec<Bytes>,
}

pub fn run(report: &mut Report, effort: Effort) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    type Route<'a> = (&'a str, Provider, fn() -> Vec<App>, Kind, &'a [usize]);
    let routes: [Route<'_>; 4] = [
        (
            "route, GitHub",
            Provider::GitHub,
            apps::github,
            Kind::Genuine,
            &SIZES,
        ),
        (
            "route, Standard Webhooks",
            Provider::StandardWebhooks,
            apps::standard_webhooks,
            Kind::Genuine,
            &SIZES,
        ),
        (
            "forged, GitHub",
            Provider::GitHub,
            apps::github,
            Kind::Forged,
            &[1024, 1 << 20],
        ),
        (
            "no signature, GitHub",
            Provider::GitHub,
            apps::github,
            Kind::Unsigned,
            &[1024, 1 << 20],
        ),
    ];
    for (title, provider, apps, kind, sizes) in routes {
        let mut apps = apps();
        apps.retain(|app| app.checks || kind == Kind::Genuine);
        let rows = apps.iter();
        let rows = rows.map(|app| (app.name.to_owned(), app.version.clone()));
        let mut group = Group::new(title.to_owned(), rows, apps::WHOLE);
        for &size in sizes {
            for app in &apps {
                checked(&runtime, app, provider, size);
            }
            let waiting = RefCell::new(Waiting {
                deliveries: Deliveries::new(provider, size),
                made: Vec::new(),
                bodies: Vec::new(),
            });
            let mut cases: Vec<Case<'_>> = apps
                .iter_mut()
                .map(|app| called(&runtime, &mut app.router, &waiting, kind))
                .collect();
            let batch = (256_usize << 10).div_ceil(size).clamp(4, 200);
            group.push(size, measure(&mut cases, Some(batch), effort));
        }
        report.push(group);
    }
}

fn called<'a>(
    runtime: &'a Runtime,
    app: &'a mut Router,
    waiting: &'a RefCell<Waiting>,
    kind: Kind,
) -> Case<'a> {
    let expected = move |status: StatusCode| match kind {
        Kind::Genuine => status == StatusCode::OK,
        Kind::Forged | Kind::Unsigned => status.is_client_error(),
    };
    Case {
        prepare: Box::new(move |count| {
            let Waiting {
                deliveries,
                made,
                bodies,
            } = &mut *waiting.borrow_mut();
            let requests: Vec<_> = (0..count).map(|_| deliveries.make(kind)).collect();
            *bodies = requests.iter().map(|one| one.body().clone()).collect();
            *made = requests.into_iter().map(arriving).collect();
        }),
        run: Box::new(move |count| {
            let made = std::mem::take(&mut waiting.borrow_mut().made);
            assert_eq!(made.len(), count);
            runtime.block_on(async {
                for request in made {
                    let response = Service::call(app, request).await.unwrap();
                    assert!(expected(response.status()), "{}", response.status());
                }
            });
        }),
    }
}

/// Takes what is genuine, refuses what is not.
fn checked(runtime: &Runtime, app: &App, provider: Provider, size: usize) {
    let mut deliveries = Deliveries::new(provider, size).apart();
    let mut status = |kind| {
        let request = arriving(deliveries.make(kind));
        let response = runtime.block_on(app.router.clone().oneshot(request));
        response.unwrap().status()
    };
    let named = format!("{} {}, {size} B", app.name, app.version);
    assert_eq!(
        status(Kind::Genuine),
        StatusCode::OK,
        "refused genuine: {named}"
    );
    for kind in [Kind::Forged, Kind::Unsigned] {
        let status = status(kind);
        assert_eq!(
            status.is_client_error(),
            app.checks,
            "forged: {named}: {status}"
        );
    }
}
