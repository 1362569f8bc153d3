use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use redis::aio::MultiplexedConnection;
use tower_webhook::inbox::{Put, RedisSetupError, RedisStreamSink, Sink};

use super::{
    NOW, Sent, assert_no_event_is_lost_under_the_id_of_another, assert_put, assert_unavailable,
    deliver, deliver_copies, deliver_within, random,
};
use crate::servers::Redis;

const DURABLE: [&str; 6] = [
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
];

async fn connect(server: &Redis) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn entries(server: &Redis, name: &str) -> Vec<HashMap<String, Value>> {
    let mut range = redis::cmd("XRANGE");
    let range = range.arg(format!("{{{name}}}")).arg("-").arg("+");
    let mut connection = connect(server).await;
    let range: Vec<(String, HashMap<String, Value>)> =
        range.query_async(&mut connection).await.unwrap();
    range.into_iter().map(|(_, fields)| fields).collect()
}

#[tokio::test]
async fn an_event_is_added_once_and_as_it_was_sent() {
    let server = Redis::shared();
    let name = random();
    let sink = RedisStreamSink::new(connect(server).await)
        .with_stream(&name)
        .unwrap();
    let sink: Arc<dyn Sink> = Arc::new(sink);
    let mut sent = Sent::random();
    sent.body = b"\0\xff\xfe{\"not\": text}\r\n".as_slice().into();
    assert_eq!(deliver_copies(&sink, &sent).await, 1);

    let [entry] = entries(server, &name).await.try_into().unwrap();
    let bytes = |field: &str| match &entry[field] {
        Value::BulkString(bytes) => bytes.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(bytes("body"), sent.body);
    assert_eq!(bytes("event_id"), sent.id.as_bytes());
    assert_eq!(bytes("sent_at"), NOW.unix_millis().to_string().as_bytes());
    let headers: serde_json::Value = serde_json::from_slice(&bytes("headers")).unwrap();
    assert_eq!(headers["x-chosen"][0], "\u{e9}t\u{e9}");
    assert!(headers.get("cookie").is_none() && headers.get("x-acme-signature").is_none());
    assert!(!entry.contains_key("tenant"));

    // Captured, and sent under another id: the first attempt and the second.
    let replay = sent.under("made-up");
    assert_put(&deliver(&sink, &replay).await, Put::AlreadyStored);
    let again = sent.later();
    assert_put(&deliver(&sink, &again).await, Put::AlreadyStored);
    let replay = again.under("made-up");
    assert_put(&deliver(&sink, &replay).await, Put::AlreadyStored);
    assert_eq!(entries(server, &name).await.len(), 1);
    let honest = Sent {
        body: "something else".into(),
        ..replay
    };
    assert_put(&deliver(&sink, &honest).await, Put::Stored);
}

#[tokio::test]
async fn b10_a_captured_event_is_not_lost_under_the_id_of_another() {
    let sink = RedisStreamSink::new(connect(Redis::shared()).await);
    let sink: Arc<dyn Sink> = Arc::new(sink.with_stream(&random()).unwrap());
    assert_no_event_is_lost_under_the_id_of_another(&sink).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_server() {
    let mut server = Redis::with(&DURABLE);
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_connection_manager().await.unwrap();
    let sink = RedisStreamSink::new(connection)
        .with_stream("inbox")
        .unwrap();
    sink.check().await.unwrap();
    let sink: Arc<dyn Sink> = Arc::new(sink);
    let (first, second) = (Sent::new("1"), Sent::new("2"));
    let short = Duration::from_millis(300);
    assert_put(&deliver(&sink, &first).await, Put::Stored);

    server.pause();
    assert_unavailable(&deliver_within(&sink, &second, short).await);
    server.resume();
    server.stop();
    assert_unavailable(&deliver_within(&sink, &second, short).await);
    server.restart();

    let retry = |sent: Sent| {
        let sink = Arc::clone(&sink);
        async move {
            // Until the connection is back.
            loop {
                let response = deliver(&sink, &sent).await;
                if response.status() == 200 {
                    return *response.extensions().get::<Put>().unwrap();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    assert_eq!(retry(first).await, Put::AlreadyStored);
    retry(second).await;
    assert_eq!(entries(&server, "inbox").await.len(), 2);
}

#[tokio::test]
async fn a_server_that_forgets_is_refused() {
    let forgets = Redis::start();
    let sink = RedisStreamSink::new(connect(&forgets).await);
    let error = sink.check().await.unwrap_err();
    assert!(matches!(error, RedisSetupError::NotDurable), "{error:?}");
    assert!(error.to_string().contains("appendonly"), "{error}");

    // Also where it shows less of itself.
    let silent = Redis::with(&["--rename-command", "INFO", ""]);
    let error = RedisStreamSink::new(connect(&silent).await).check().await;
    assert!(
        matches!(error, Err(RedisSetupError::NotDurable)),
        "{error:?}"
    );
    let replica = [
        "--rename-command",
        "INFO",
        "",
        "--replicaof",
        "127.0.0.1",
        "1",
    ];
    let replica = Redis::with(&replica);
    let error = RedisStreamSink::new(connect(&replica).await).check().await;
    assert!(matches!(error, Err(RedisSetupError::Replica)), "{error:?}");

    let mut evicts = DURABLE.to_vec();
    evicts.extend(["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]);
    let evicts = Redis::with(&evicts);
    let error = RedisStreamSink::new(connect(&evicts).await).check().await;
    assert!(
        matches!(error, Err(RedisSetupError::Evicting { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_put_that_failed_is_not_remembered() {
    let server = Redis::shared();
    let name = random();
    let connection = connect(server).await;
    let sink = RedisStreamSink::new(connection.clone())
        .with_stream(&name)
        .unwrap();
    let lonely = sink
        .clone()
        .with_replicas(1, Duration::from_millis(20))
        .unwrap();
    let sink: Arc<dyn Sink> = Arc::new(sink);
    let sent = Sent::random();
    let run = async |name: &str, argument: &[&str]| {
        let mut command = redis::cmd(name);
        command.arg(argument);
        command
            .query_async::<Value>(&mut connection.clone())
            .await
            .unwrap()
    };
    let stream = format!("{{{name}}}");
    run("SET", &[&stream, "no stream"]).await;
    assert_unavailable(&deliver(&sink, &sent).await);
    run("DEL", &[&stream]).await;
    assert_put(&deliver(&sink, &sent).await, Put::Stored);

    // There is no replica.
    let lonely: Arc<dyn Sink> = Arc::new(lonely);
    assert_unavailable(&deliver(&lonely, &sent).await);
    assert_unavailable(&deliver(&lonely, &Sent::random()).await);
}

#[tokio::test]
async fn names_that_are_no_hash_tag_are_refused() {
    let connection = connect(Redis::shared()).await;
    for name in ["", "a}b", "{a", "a b", "\u{e9}", &"x".repeat(65)] {
        let sink = RedisStreamSink::new(connection.clone()).with_stream(name);
        assert!(sink.is_err(), "{name}");
    }
}
