use super::*;

fn check(info: &str) -> Result<(), RedisSetupError> {
    Settings::read(info).check(Eviction::Refused)
}

#[test]
fn a_server_that_is_too_old_is_refused_by_its_version() {
    for version in ["2.8.24", "4.0.14"] {
        let refused = check(&format!("# Server\r\nredis_version:{version}\r\n"));
        let Err(RedisSetupError::TooOld { version: found }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(found, version);
    }
    // Valkey says what Redis it is compatible with.
    for version in ["5.0.0", "7.2.4", "255.255.255", "unknown", ""] {
        check(&format!("redis_version:{version}\r\nrole:master\r\n")).unwrap();
    }
    check("").unwrap();
}

#[test]
fn every_node_of_a_cluster_is_read() {
    let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
    let node = |name, info| (text(name), text(info));
    let nodes = Value::Map(vec![
        node("a:1", "role:master\r\nmaxmemory:0\r\n"),
        node("b:1", "role:slave\r\n"),
    ]);
    let settings: Vec<_> = texts(nodes)
        .iter()
        .map(|text| Settings::read(text))
        .collect();
    assert!(settings.iter().any(|node| node.is_replica));
    assert!(settings.contains(&Settings {
        max_memory: Some("0".into()),
        ..Settings::default()
    }));
}
