use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, ServiceExt, service_fn};

use super::super::*;
use crate::ConfigError;
use crate::client_ip::PeerAddr;
use crate::ip_allowlist::{IpAllowlist, IpAllowlistLayer};

const OLD: &str = "192.0.2.0/24";
const NEW: &str = "198.51.100.0/24";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn old() -> IpAllowlist {
    IpAllowlist::new([OLD]).unwrap()
}

fn has(allowlist: &IpAllowlist, address: &str) -> bool {
    allowlist.contains(address.parse().unwrap())
}

/// What a provider's server answers, and when it was asked.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<(Answer, Vec<Instant>)>>);

#[derive(Clone, Default)]
enum Answer {
    #[default]
    Down,
    Hangs,
    Says(String),
}

impl Server {
    fn says(text: &str) -> Self {
        let server = Self::default();
        server.now(Answer::Says(text.to_owned()));
        server
    }

    fn now(&self, answer: Answer) {
        self.0.lock().unwrap().0 = answer;
    }

    fn asked(&self) -> Vec<Instant> {
        self.0.lock().unwrap().1.clone()
    }

    async fn get(self) -> Result<String, &'static str> {
        let answer = {
            let mut state = self.0.lock().unwrap();
            state.1.push(Instant::now());
            state.0.clone()
        };
        match answer {
            Answer::Down => Err("connection refused"),
            Answer::Hangs => std::future::pending().await,
            Answer::Says(text) => Ok(text),
        }
    }

    fn refresher(&self, allowlist: &IpAllowlist) -> AllowlistRefresher<Fetch> {
        let server = self.clone();
        let fetch: Fetch = Box::new(move || Box::pin(server.clone().get()));
        AllowlistRefresher::new(allowlist.clone(), Format::lines(), fetch)
    }
}

type Fetch = Box<dyn FnMut() -> Fetched + Send>;
type Fetched = Pin<Box<dyn Future<Output = Result<String, &'static str>> + Send>>;

#[tokio::test(start_paused = true)]
async fn a_running_layer_sees_each_new_list() {
    let allowlist = old();
    let service =
        IpAllowlistLayer::new(allowlist.clone()).layer(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
    let status_for = async |peer: [u8; 4]| {
        let request = Request::post("/").extension(PeerAddr::new((peer, 443).into()));
        let response = service.clone().oneshot(request.body(()).unwrap()).await;
        response.unwrap().status()
    };
    assert_eq!(status_for([192, 0, 2, 1]).await, StatusCode::OK);

    let server = Server::says(NEW);
    let refresher = server.refresher(&allowlist);
    let mut status = refresher.status();
    let running = tokio::spawn(refresher.run());
    assert!(status.changed().await);
    assert_eq!(status_for([192, 0, 2, 1]).await, StatusCode::FORBIDDEN);
    assert_eq!(status_for([198, 51, 100, 1]).await, StatusCode::OK);

    server.now(Answer::Says(OLD.to_owned()));
    let replaced_at = Instant::now();
    assert!(status.changed().await);
    let interval = replaced_at.elapsed();
    assert!(
        (54 * MINUTE..=67 * MINUTE).contains(&interval),
        "{interval:?}"
    );
    assert_eq!(status_for([192, 0, 2, 1]).await, StatusCode::OK);

    running.abort();
    assert!(!status.changed().await);
}

#[tokio::test(start_paused = true)]
async fn d7_whatever_goes_wrong_the_last_good_list_stays() {
    let html = PublishedErrorKind::NotANetwork;
    let everybody = PublishedErrorKind::EveryAddress;
    let document = |error: RefreshError| match error {
        RefreshError::Document(error) => Some(error.kind()),
        _ => None,
    };
    let allowlist = old();
    let server = Server::default();
    let mut refresher = server.refresher(&allowlist);
    let status = refresher.status();
    for (number, (answer, expected)) in [
        (Answer::Down, None),
        (Answer::Hangs, None),
        (Answer::Says(String::new()), Some(PublishedErrorKind::Empty)),
        (Answer::Says("<html>503</html>".to_owned()), Some(html)),
        (Answer::Says(format!("{NEW}\n0.0.0.0/0")), Some(everybody)),
        (Answer::Says("198.51.100.0/26".to_owned()), None),
    ]
    .into_iter()
    .enumerate()
    {
        server.now(answer);
        let error = refresher.refresh().await.unwrap_err();
        assert_eq!(document(error), expected);
        assert_eq!(status.last_error(), Some(error));
        assert_eq!(status.consecutive_failures() as usize, number + 1);
        assert_eq!(status.last_success(), None);
        assert!(has(&allowlist, "192.0.2.1") && !has(&allowlist, "198.51.100.1"));
    }
    server.now(Answer::Says(NEW.to_owned()));
    refresher.refresh().await.unwrap();
    assert_eq!(status.last_error(), None);
    assert_eq!(status.consecutive_failures(), 0);
    assert!(status.last_success().is_some());
    assert!(has(&allowlist, "198.51.100.1"));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_is_given_up() {
    let server = Server::default();
    server.now(Answer::Hangs);
    let mut refresher = server.refresher(&old()).with_timeout(5 * MINUTE).unwrap();
    let start = Instant::now();
    assert_eq!(refresher.refresh().await, Err(RefreshError::Timeout));
    assert_eq!(start.elapsed(), 5 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn retries_come_soon_and_then_less_often() {
    let server = Server::default();
    let running = tokio::spawn(server.refresher(&old()).run());
    sleep(DAY).await;
    running.abort();
    let asked = server.asked();
    let pauses: Vec<f64> = asked
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect();
    let mut expected = 30.0_f64;
    for pause in &pauses {
        let range = expected * 0.9 - 0.01..=expected * 1.1 + 0.01;
        assert!(range.contains(pause), "{pause} in {pauses:?}");
        expected = (expected * 2.0).min(3600.0);
    }
    assert!((25..40).contains(&pauses.len()), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_success_retries_start_anew() {
    let server = Server::default();
    let allowlist = old();
    let refresher = server.refresher(&allowlist);
    let mut status = refresher.status();
    let running = tokio::spawn(refresher.run());
    sleep(3 * HOUR).await;
    server.now(Answer::Says(NEW.to_owned()));
    while status.consecutive_failures() > 0 {
        assert!(status.changed().await);
    }
    server.now(Answer::Down);
    assert!(status.changed().await);
    let failed = Instant::now();
    assert!(status.changed().await);
    assert!(failed.elapsed() <= 33 * Duration::from_secs(1));
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_list_grows_stale_even_if_nobody_refreshes_it() {
    let server = Server::says(NEW);
    let mut refresher = server.refresher(&old());
    let status = refresher.status();
    advance(DAY - MINUTE).await;
    assert!(!status.is_stale());
    advance(MINUTE).await;
    assert!(status.is_stale());
    refresher.refresh().await.unwrap();
    assert!(!status.is_stale());
    drop(refresher);
    advance(DAY).await;
    assert!(status.is_stale());
}

#[tokio::test(start_paused = true)]
async fn dropped_while_fetching_it_changes_nothing() {
    let allowlist = old();
    let server = Server::default();
    server.now(Answer::Hangs);
    let mut refresher = server.refresher(&allowlist);
    let status = refresher.status();
    assert!(
        tokio::time::timeout(MINUTE / 60, refresher.refresh())
            .await
            .is_err()
    );
    assert_eq!(status.consecutive_failures(), 0);
    assert!(has(&allowlist, "192.0.2.1"));
    server.now(Answer::Says(NEW.to_owned()));
    refresher.refresh().await.unwrap();
    assert!(has(&allowlist, "198.51.100.1"));
}

#[tokio::test]
async fn a_list_that_shrinks_too_much_is_not_taken() {
    let refreshed = async |old: &[&str], new: &str, percent| {
        let allowlist = IpAllowlist::new(old).unwrap();
        let server = Server::says(new);
        let refresher = server.refresher(&allowlist);
        let refresher = refresher.with_least_share(percent);
        refresher.unwrap().refresh().await
    };
    let shrunk = Err(RefreshError::Shrunk);
    assert_eq!(refreshed(&["10.0.0.0/8"], "10.0.0.0/9", 50).await, Ok(()));
    assert_eq!(refreshed(&["10.0.0.0/8"], "10.0.0.0/10", 50).await, shrunk);
    assert_eq!(refreshed(&["10.0.0.0/8"], "10.0.0.1", 0).await, Ok(()));
    assert_eq!(refreshed(&["10.0.0.0/8"], "10.0.0.0/9", 51).await, shrunk);
    // Each family by itself: IPv6 would outweigh everything.
    let both = ["10.0.0.0/8", "2001:db8::/32"];
    assert_eq!(refreshed(&both, "2001:db8::/32", 1).await, shrunk);
    assert_eq!(refreshed(&both, "10.0.0.0/8", 1).await, shrunk);
    assert_eq!(
        refreshed(&both, "10.0.0.0/7 2001:db8::/32", 100).await,
        Ok(())
    );
    // New Relic in May 2025: nine of thirteen networks gone, few addresses.
    let before = [
        &NEW_RELIC[..],
        &["18.246.82.0/25", "3.145.244.128/25", "20.51.136.0/25"],
        &[
            "158.177.65.64/29",
            "159.122.103.184/29",
            "161.156.125.32/28",
        ],
        &["3.77.79.0/25", "3.27.118.128/25", "4.197.217.128/25"],
    ]
    .concat();
    assert_eq!(refreshed(&before, &NEW_RELIC.join("\n"), 95).await, Ok(()));
}

#[tokio::test]
async fn kept_networks_stay() {
    let allowlist = old();
    let refresher = Server::says(NEW).refresher(&allowlist);
    refresher
        .with_kept(["10.1.2.3"])
        .unwrap()
        .refresh()
        .await
        .unwrap();
    assert!(has(&allowlist, "10.1.2.3") && has(&allowlist, "198.51.100.1"));
    assert!(!has(&allowlist, "192.0.2.1"));
}

#[test]
fn contradictions_are_refused_at_start() {
    let refresher = || Server::default().refresher(&old());
    let zero = |setting| Some(ConfigError::Zero { setting });
    let none = Duration::ZERO;
    assert_eq!(
        refresher().with_interval(none).err(),
        zero("the interval of refreshing")
    );
    assert_eq!(
        refresher().with_timeout(none).err(),
        zero("the time for a fetch")
    );
    let invalid = |refused: Result<_, ConfigError>| {
        matches!(refused.err(), Some(ConfigError::InvalidRefresh { .. }))
    };
    assert!(invalid(refresher().with_least_share(101)));
    assert!(invalid(refresher().with_stale_after(2 * HOUR - MINUTE)));
    let daily = refresher().with_stale_after(DAY).unwrap();
    assert!(invalid(daily.with_interval(13 * HOUR)));
    assert!(refresher().with_interval(30 * DAY).is_ok());
    assert!(refresher().with_interval(Duration::MAX).is_ok());
    assert!(refresher().with_kept(["localhost"]).is_err());
}
