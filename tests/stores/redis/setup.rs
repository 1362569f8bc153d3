//! What is wrong with a server is said before the first request.

use std::time::Duration;

use ::redis::aio::ConnectionLike;
use tower_webhook::ConfigError;
use tower_webhook::store::{RedisSetupError, RedisStore};

use super::{connection, free_port};
use crate::servers::Redis;

const PASSWORD: &str = "hunter2hunter2";

fn with_password(server: &Redis, user: &str, password: &str) -> String {
    match user {
        "" => format!("{}?pass={password}", server.url()),
        user => format!("{}?user={user}&pass={password}", server.url()),
    }
}

async fn refused(url: &str) -> RedisSetupError {
    let error = RedisStore::connect(url).await.expect_err("a bad server");
    let said = format!("{error} {error:?}");
    assert!(!said.contains(PASSWORD), "{said}");
    error
}

#[tokio::test]
async fn a_wrong_password_is_said_and_no_password_is_shown() {
    let server = Redis::with(&["--requirepass", PASSWORD, "--save", ""]);
    let none = refused(&server.url()).await;
    assert!(
        matches!(none, RedisSetupError::AuthenticationFailed(_)),
        "{none}"
    );
    let wrong = refused(&with_password(&server, "", &PASSWORD.replace('h', "x"))).await;
    assert!(
        matches!(wrong, RedisSetupError::AuthenticationFailed(_)),
        "{wrong}"
    );
    assert!(wrong.to_string().contains("percent-encoded"), "{wrong}");

    let right = RedisStore::connect(&with_password(&server, "", PASSWORD))
        .await
        .unwrap();
    assert!(!format!("{right:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_url_that_leads_nowhere_is_said() {
    for url in [
        format!("http://user:{PASSWORD}@localhost"),
        format!("redis://user:{PASSWORD}@localhost:port"),
        format!("rediss://user:{PASSWORD}@localhost"),
        format!("redis://user:{PASSWORD}@localhost/database"),
    ] {
        let error = refused(&url).await;
        assert!(matches!(error, RedisSetupError::InvalidUrl(_)), "{error}");
    }
    let nobody = format!("redis://user:{PASSWORD}@127.0.0.1:{}", free_port());
    for url in [nobody.as_str(), "redis+unix:///tmp/nobody.sock"] {
        let error = refused(url).await;
        assert!(matches!(error, RedisSetupError::Unreachable(_)), "{error}");
    }
}

#[tokio::test]
async fn a_replica_is_refused() {
    let primary = free_port().to_string();
    let server = Redis::with(&["--replicaof", "127.0.0.1", &primary]);
    let error = refused(&server.url()).await;
    assert!(matches!(error, RedisSetupError::Replica), "{error}");

    // Also where it does not say so.
    let silent = &[
        "--rename-command",
        "INFO",
        "",
        "--replicaof",
        "127.0.0.1",
        &primary,
    ];
    let server = Redis::with(silent);
    let error = refused(&server.url()).await;
    assert!(matches!(error, RedisSetupError::Replica), "{error}");
}

#[tokio::test]
async fn c22_a_server_that_evicts_is_refused() {
    let server = Redis::with(&["--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"]);
    let error = refused(&server.url()).await;
    assert!(matches!(&error, RedisSetupError::Evicting { policy } if policy == "volatile-ttl"));
    assert!(error.to_string().contains("noeviction"), "{error}");
    RedisStore::connect_allowing_eviction(&server.url())
        .await
        .unwrap();

    // What may be changed later is none of our business.
    let mut connection = connection(&server).await;
    set(&mut connection, "maxmemory", "0").await;
    RedisStore::connect(&server.url()).await.unwrap();
    set(&mut connection, "maxmemory", "100mb").await;
    set(&mut connection, "maxmemory-policy", "noeviction").await;
    RedisStore::connect(&server.url()).await.unwrap();
}

#[tokio::test]
async fn c22_managed_services_that_hide_their_settings_are_asked_otherwise() {
    let evicting = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let without_info = [&evicting[..], &["--rename-command", "INFO", ""]].concat();
    let error = refused(&Redis::with(&without_info).url()).await;
    assert!(matches!(error, RedisSetupError::Evicting { .. }), "{error}");

    let without_both = [&without_info[..], &["--rename-command", "CONFIG", ""]].concat();
    RedisStore::connect(&Redis::with(&without_both).url())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_user_who_may_not_run_scripts_is_refused() {
    let user = [
        "--user",
        "limited",
        "on",
        ">hunter2hunter2",
        "~*",
        "+@all",
        "-@scripting",
    ];
    let server = Redis::with(&user);
    let error = refused(&with_password(&server, "limited", PASSWORD)).await;
    assert!(matches!(error, RedisSetupError::Refused(_)), "{error}");
    assert!(error.to_string().contains("EVALSHA"), "{error}");
}

#[tokio::test]
async fn bad_settings_are_configuration_errors() {
    let connection = connection(Redis::shared()).await;
    let store = || RedisStore::new(connection.clone());
    for prefix in ["", "with space", "tab\t", "überall:", &"x".repeat(65)] {
        let error = store().with_prefix(prefix).map(|_| ()).unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidPrefix { .. }),
            "{error}"
        );
    }
    let second = Duration::from_secs(1);
    for error in [
        store().with_deadline(Duration::ZERO).map(|_| ()),
        store().with_replicas(0, second).map(|_| ()),
        store().with_replicas(1, second / 10_000).map(|_| ()),
    ] {
        assert!(matches!(error, Err(ConfigError::Zero { .. })), "{error:?}");
    }
    let debug = format!("{:?}", store().with_prefix("{payments}:").unwrap());
    assert!(debug.contains("{payments}:"), "{debug}");
}

pub(super) async fn set(connection: &mut impl ConnectionLike, name: &str, value: &str) {
    let mut set = ::redis::cmd("CONFIG");
    set.arg("SET").arg(name).arg(value);
    set.exec_async(connection).await.unwrap();
}
