//! The steps of the protocol, each a script.

use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, FromRedisValue, RedisError, Value};
use tokio::time::timeout;

use super::row::{self, Life};
use super::script::Script;
use super::{RedisSetupError, RedisStore};
use crate::store::{
    Claim, Claimed, Completed, Completion, DedupKey, DedupStore, Owner, Released, Renewed,
    StoreError, StoreFuture,
};

impl<C> DedupStore for RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    fn claim<'a>(&'a self, claim: &'a Claim) -> StoreFuture<'a, Claimed> {
        Box::pin(async move {
            let life = Life::of(claim.lease, claim.ttl);
            let row = row::in_flight(claim, life);
            let (answer, replicated) = self
                .run_and_wait(&CLAIM, &claim.key, |command| {
                    command.arg(&row).arg(life.millis);
                })
                .await?;
            let claimed = claimed(&answer)?;
            if let (Claimed::Won { .. }, Err(error)) = (claimed, replicated) {
                // If this fails, the lease runs out.
                let _ = self.release(&claim.key, claim.owner).await;
                return Err(error);
            }
            Ok(claimed)
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        lease: Duration,
        ttl: Duration,
    ) -> StoreFuture<'a, Renewed> {
        Box::pin(async move {
            let life = Life::of(lease, ttl);
            let answer = self.run(&RENEW, key, |command| {
                let owner = row::owner(owner);
                command.arg(&owner).arg(&life.rest()).arg(life.millis);
            });
            match answer.await? {
                0 => Ok(Renewed::Extended),
                1 => Ok(Renewed::Lost),
                _ => Err(foreign_row()),
            }
        })
    }

    fn complete<'a>(
        &'a self,
        key: &'a DedupKey,
        owner: Owner,
        completion: Completion,
    ) -> StoreFuture<'a, Completed> {
        Box::pin(async move {
            let row = row::done(completion, owner);
            let life = row::life(completion.ttl);
            let (answer, replicated) = self
                .run_and_wait(&COMPLETE, key, |command| {
                    command.arg(&row).arg(&row::owner(owner)).arg(life);
                })
                .await?;
            let completed = match answer {
                0 => Completed::Done,
                1 => Completed::AlreadyDone,
                2 => Completed::Recreated,
                3 => Completed::LeaseLost,
                _ => return Err(foreign_row()),
            };
            if completed != Completed::LeaseLost {
                replicated?;
            }
            Ok(completed)
        })
    }

    fn release<'a>(&'a self, key: &'a DedupKey, owner: Owner) -> StoreFuture<'a, Released> {
        Box::pin(async move {
            let answer = self.run(&RELEASE, key, |command| {
                command.arg(&row::owner(owner));
            });
            match answer.await? {
                0 => Ok(Released::Released),
                1 => Ok(Released::NotOwner),
                _ => Err(foreign_row()),
            }
        })
    }

    fn forget<'a>(&'a self, key: &'a DedupKey) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            let mut command = redis::cmd("DEL");
            command.arg(row::key(&self.prefix, key));
            let deleted: u64 = in_time(self.deadline, command.query_async(&mut connection)).await?;
            Ok(deleted > 0)
        })
    }
}

impl<C> RedisStore<C>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &DedupKey,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<T, StoreError> {
        let (keys, mut connection) = ([row::key(&self.prefix, key)], self.connection.clone());
        let running = script.run(&mut connection, &keys, arguments);
        in_time(self.deadline, running).await
    }

    /// Like [`run`](Self::run), for what replicas should have. Answers whether
    /// they do.
    async fn run_and_wait<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &DedupKey,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<(T, Result<(), StoreError>), StoreError> {
        let Some(replicas) = self.replicas else {
            let answer = self.run(script, key, arguments).await?;
            return Ok((answer, Ok(())));
        };
        let (keys, mut connection) = ([row::key(&self.prefix, key)], self.connection.clone());
        let running = script.run_and_wait(&mut connection, &keys, arguments, replicas);
        let deadline = self.deadline.map(|deadline| deadline + replicas.wait());
        let (answer, replicated) = in_time(deadline, running).await?;
        Ok((answer, replicated.map_err(StoreError::unavailable)))
    }
}

fn claimed(answer: &Value) -> Result<Claimed, StoreError> {
    let Value::Array(parts) = answer else {
        return Err(foreign_row());
    };
    let attempt = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let millis = |n: i64| Duration::from_millis(u64::try_from(n).unwrap_or(0));
    Ok(match *parts.as_slice() {
        [Value::Int(0), Value::Int(n)] => Claimed::Won {
            attempt: attempt(n),
        },
        [Value::Int(1), Value::Int(n), Value::Int(left)] => Claimed::Busy {
            remaining: millis(left),
            attempt: attempt(n),
        },
        [
            Value::Int(2),
            Value::Int(n),
            Value::Int(left),
            Value::Int(status),
        ] => Claimed::Duplicate {
            status: u16::try_from(status).unwrap_or(u16::MAX),
            attempt: attempt(n),
            expires_in: millis(left),
        },
        [Value::Int(3), Value::Int(n)] => Claimed::Conflict {
            attempt: attempt(n),
        },
        _ => return Err(foreign_row()),
    })
}

/// Never taken for an absent event: somebody else may hold it.
fn foreign_row() -> StoreError {
    StoreError::unavailable(RedisSetupError::ForeignRow)
}

async fn in_time<T>(
    deadline: Option<Duration>,
    running: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, StoreError> {
    let answer = match deadline {
        None => running.await,
        Some(deadline) => timeout(deadline, running).await.unwrap_or_else(|_| {
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            Err(late.into())
        }),
    };
    answer.map_err(|error| match is_out_of_memory(&error) {
        true => StoreError::Full,
        false => StoreError::unavailable(error),
    })
}

/// Before Redis 7, the error of a command in a script is inside another one.
fn is_out_of_memory(error: &RedisError) -> bool {
    error.code() == Some("OOM")
        || error
            .detail()
            .is_some_and(|detail| detail.contains("OOM command not allowed"))
}

pub(super) static CLAIM: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("claim.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("renew.lua"),
        include_str!("write.lua")
    ))
});
static COMPLETE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("complete.lua"),
        include_str!("write.lua")
    ))
});
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("release.lua"),
        include_str!("write.lua")
    ))
});

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is not an answer of ours is another's row, and no event is
    /// taken for free or for done because of it.
    #[test]
    fn an_answer_of_another_kind_is_an_error() {
        let int = Value::Int;
        for answer in [
            Value::Nil,
            Value::Okay,
            int(0),
            Value::Array(vec![]),
            Value::Array(vec![int(0)]),
            Value::Array(vec![int(9), int(1)]),
            Value::Array(vec![Value::Nil, int(1)]),
        ] {
            assert!(claimed(&answer).is_err(), "{answer:?}");
        }
        let won = claimed(&Value::Array(vec![int(0), int(3)]));
        assert!(matches!(won, Ok(Claimed::Won { attempt: 3 })));
    }
}
