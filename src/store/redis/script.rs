//! Scripts on the server.

use redis::aio::ConnectionLike;
use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisResult, ServerErrorKind, ToRedisArgs, Value,
};
use sha1::{Digest, Sha1};

use super::replicas::{Replicas, TooFew};

/// A script. In a cluster, all keys that it takes are in one slot.
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
        keys: &[impl ToRedisArgs],
        arguments: impl Fn(&mut Cmd),
    ) -> RedisResult<T> {
        let answer = self.by_sha(keys, &arguments).query_async(connection).await;
        match answer {
            // Not SCRIPT LOAD: in a cluster, this goes to the key's node.
            Err(error) if is_forgotten(&error) => {
                let command = self.by_source(keys, &arguments);
                command.query_async(connection).await
            }
            answer => answer,
        }
    }

    /// Runs the script, and waits for replicas to have what was written so far
    /// over this connection. Answers whether they do.
    pub(crate) async fn run_and_wait<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        keys: &[impl ToRedisArgs],
        arguments: impl Fn(&mut Cmd),
        replicas: Replicas,
    ) -> RedisResult<(T, Result<(), TooFew>)> {
        let waiting = async |connection: &mut _, command: Cmd| {
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.ignore_errors().add_command(command);
            pipeline
                .cmd("WAIT")
                .arg(replicas.count)
                .arg(replicas.millis);
            let answers: (RedisResult<Value>, RedisResult<u32>) =
                pipeline.query_async(connection).await?;
            RedisResult::Ok(answers)
        };
        let mut answers = waiting(connection, self.by_sha(keys, &arguments)).await?;
        if answers.0.as_ref().is_err_and(is_forgotten) {
            answers = waiting(connection, self.by_source(keys, &arguments)).await?;
        }
        let (answer, reached) = (T::from_redis_value(answers.0?)?, answers.1?);
        let enough = match reached >= replicas.count {
            true => Ok(()),
            false => Err(TooFew { reached, replicas }),
        };
        Ok((answer, enough))
    }

    fn by_sha(&self, keys: &[impl ToRedisArgs], arguments: impl Fn(&mut Cmd)) -> Cmd {
        command("EVALSHA", &self.sha, keys, arguments)
    }

    fn by_source(&self, keys: &[impl ToRedisArgs], arguments: impl Fn(&mut Cmd)) -> Cmd {
        command("EVAL", self.source, keys, arguments)
    }
}

fn command(
    name: &str,
    script: &str,
    keys: &[impl ToRedisArgs],
    arguments: impl Fn(&mut Cmd),
) -> Cmd {
    let mut command = Cmd::with_capacity(6 + keys.len(), script.len() + keys.len() * 32 + 96);
    command.arg(name).arg(script).arg(keys.len()).arg(keys);
    arguments(&mut command);
    command
}

fn is_forgotten(error: &redis::RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
