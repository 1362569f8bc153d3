//! Scripts on the server.

use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisResult, ServerErrorKind, Value};
use sha1::{Digest, Sha1};

/// A script that takes one key.
#[derive(Debug)]
pub(crate) struct Script {
    source: &'static str,
    sha: String,
}

impl Script {
    pub(crate) fn new(source: &'static str) -> Self {
        Self {
            source,
            sha: hex::encode(Sha1::digest(source)),
        }
    }

    /// Runs the script with what `arguments` adds to the command: in one round
    /// trip, unless the server has forgotten it.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        key: &[u8],
        arguments: impl Fn(&mut Cmd),
    ) -> RedisResult<T> {
        let answer = self.by_sha(key, &arguments).query_async(connection).await;
        match answer {
            // Not SCRIPT LOAD: in a cluster, this goes to the key's node.
            Err(error) if is_forgotten(&error) => {
                let command = self.by_source(key, &arguments);
                command.query_async(connection).await
            }
            answer => answer,
        }
    }

    /// Runs the script, and waits until `replicas` have what was written so far
    /// over this connection, but at most `millis`. Answers how many have.
    pub(crate) async fn run_and_wait<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        key: &[u8],
        arguments: impl Fn(&mut Cmd),
        (replicas, millis): (u32, u64),
    ) -> RedisResult<(T, u32)> {
        let waiting = async |connection: &mut _, command: Cmd| {
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.ignore_errors().add_command(command);
            pipeline.cmd("WAIT").arg(replicas).arg(millis);
            let answers: (RedisResult<Value>, RedisResult<u32>) =
                pipeline.query_async(connection).await?;
            RedisResult::Ok(answers)
        };
        let mut answers = waiting(connection, self.by_sha(key, &arguments)).await?;
        if answers.0.as_ref().is_err_and(is_forgotten) {
            answers = waiting(connection, self.by_source(key, &arguments)).await?;
        }
        Ok((T::from_redis_value(answers.0?)?, answers.1?))
    }

    fn by_sha(&self, key: &[u8], arguments: impl Fn(&mut Cmd)) -> Cmd {
        command("EVALSHA", &self.sha, key, arguments)
    }

    fn by_source(&self, key: &[u8], arguments: impl Fn(&mut Cmd)) -> Cmd {
        command("EVAL", self.source, key, arguments)
    }
}

fn command(name: &str, script: &str, key: &[u8], arguments: impl Fn(&mut Cmd)) -> Cmd {
    let mut command = Cmd::with_capacity(7, script.len() + key.len() + 96);
    command.arg(name).arg(script).arg(1).arg(key);
    arguments(&mut command);
    command
}

fn is_forgotten(error: &redis::RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
