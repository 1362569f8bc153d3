//! Rules that take more than one step, and races.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Answer::*;
use super::{A, B, C, CONTENT, OTHER_CONTENT, Suite, expect, fresh_key, ok};
use crate::store::{
    Claim, Claimed, Completed as Complete, Completion, DedupKey, Fingerprint, Owner,
    Released as Release, Renewed as Renew,
};

pub(super) async fn check(suite: &Suite<'_>) {
    attempts_are_counted_across_takeovers_and_releases(suite).await;
    a_repeated_claim_holds_for_the_whole_lease(suite).await;
    a_renewed_lease_holds(suite).await;
    a_late_owner_is_refused(suite).await;
    a_live_lease_outlives_a_short_ttl(suite).await;
    a_completion_sets_the_life(suite).await;
    a_row_takes_the_fingerprint_that_came_last(suite).await;
    one_of_many_concurrent_claims_wins(suite).await;
    one_of_many_concurrent_takeovers_wins(suite).await;
    a_takeover_and_a_completion_exclude_each_other(suite).await;
}

async fn attempts_are_counted_across_takeovers_and_releases(suite: &Suite<'_>) {
    let (rule, key) = ("attempts are counted", fresh_key());
    expect(rule, suite.claim(key, A).await, Won(1));
    suite.pass_lease().await;
    expect(rule, suite.claim(key, B).await, Won(2));
    let released = suite.release(key, B).await;
    expect(rule, released, Released(Release::Released));
    expect(rule, suite.claim(key, A).await, Won(3));
    let completed = suite.complete(key, A, 200).await;
    expect(rule, completed, Completed(Complete::Done));
    expect(rule, suite.claim(key, B).await, Duplicate(200, 3));
}

async fn a_repeated_claim_holds_for_the_whole_lease(suite: &Suite<'_>) {
    let (rule, key) = ("a repeated claim holds for the whole lease", fresh_key());
    let first = Claim::new(key, A, suite.lease() * 2, suite.ttl()).with_fingerprint(CONTENT);
    let repeated = Claim::new(key, A, suite.lease() * 3, suite.ttl()).with_fingerprint(CONTENT);
    expect(rule, suite.claim_as(&first).await, Won(1));
    expect(rule, suite.claim_as(&repeated).await, Won(1));
    suite.env.advance(suite.lease() * 9 / 4).await;
    expect(rule, suite.claim(key, B).await, Busy(1));
}

async fn a_renewed_lease_holds(suite: &Suite<'_>) {
    let (rule, key) = ("a renewed lease holds, and its row lives", fresh_key());
    let brief = Claim::new(key, A, suite.lease(), suite.lease()).with_fingerprint(CONTENT);
    expect(rule, suite.claim_as(&brief).await, Won(1));
    let (lease, ttl) = (suite.lease() * 3, suite.lease() * 6);
    let renewed = suite.store.renew(&key, A, lease, ttl).await;
    expect(
        rule,
        Renewed(ok("renew", renewed)),
        Renewed(Renew::Extended),
    );
    let later = Claim::new(key, B, lease, ttl).with_fingerprint(CONTENT);
    suite.pass_lease().await;
    expect(rule, suite.claim_as(&later).await, Busy(1));
    suite.env.advance(lease * 2 / 3).await;
    expect(rule, suite.claim_as(&later).await, Won(2));
}

/// The counter-example that brings down stores without a fence: the first
/// owner's late steps reach the row after the second's.
async fn a_late_owner_is_refused(suite: &Suite<'_>) {
    let (rule, key) = (
        "an owner whose lease was taken over is refused",
        fresh_key(),
    );
    expect(rule, suite.claim(key, A).await, Won(1));
    suite.pass_lease().await;
    expect(rule, suite.claim(key, B).await, Won(2));
    let late = Completed(Complete::LeaseLost);
    expect(rule, suite.complete(key, A, 500).await, late);
    expect(rule, suite.renew(key, A).await, Renewed(Renew::Lost));
    let late = Released(Release::NotOwner);
    expect(rule, suite.release(key, A).await, late);
    expect(rule, suite.claim(key, C).await, Busy(2));

    let done = Completed(Complete::Done);
    expect(rule, suite.complete(key, B, 200).await, done);
    expect(rule, suite.release(key, A).await, late);
    let late = Completed(Complete::AlreadyDone);
    expect(rule, suite.complete(key, A, 500).await, late);
    expect(rule, suite.claim(key, C).await, Duplicate(200, 2));
}

async fn a_live_lease_outlives_a_short_ttl(suite: &Suite<'_>) {
    let (rule, key) = ("a live lease outlives a short ttl", fresh_key());
    let long = suite.lease() * 3;
    let short = Duration::from_millis(1);
    let claim = Claim::new(key, A, long, short).with_fingerprint(CONTENT);
    expect(rule, suite.claim_as(&claim).await, Won(1));
    let renewed = fresh_key();
    expect(rule, suite.claim(renewed, A).await, Won(1));
    ok("renew", suite.store.renew(&renewed, A, long, short).await);
    suite.pass_lease().await;
    let by_b = |key| Claim::new(key, B, long, suite.ttl()).with_fingerprint(CONTENT);
    expect(rule, suite.claim_as(&by_b(key)).await, Busy(1));
    expect(rule, suite.claim_as(&by_b(renewed)).await, Busy(1));
}

async fn a_completion_sets_the_life(suite: &Suite<'_>) {
    let (rule, longer) = ("a completion says how long it is remembered", fresh_key());
    let shorter = fresh_key();
    for (key, ttl) in [(longer, suite.ttl() * 2), (shorter, suite.lease())] {
        expect(rule, suite.claim(key, A).await, Won(1));
        let completion = Completion::new(CONTENT, 200, ttl);
        let completed = suite.store.complete(&key, A, completion).await;
        let done = Completed(Complete::Done);
        expect(rule, Completed(ok("complete", completed)), done);
    }
    suite.pass_lease().await;
    expect(rule, suite.claim(shorter, B).await, Won(1));
    suite.env.advance(suite.ttl()).await;
    expect(rule, suite.claim(longer, B).await, Duplicate(200, 1));
}

async fn a_row_takes_the_fingerprint_that_came_last(suite: &Suite<'_>) {
    let rule = "a row has the fingerprint of its last claim or completion";
    let (taken, recreated) = (fresh_key(), fresh_key());

    let any = suite.claim_by(taken, A).with_fingerprint(Fingerprint::NONE);
    expect(rule, suite.claim_as(&any).await, Won(1));
    suite.release(taken, A).await;
    expect(rule, suite.claim(taken, B).await, Won(2));

    suite.complete(recreated, A, 200).await;

    for (key, want) in [(taken, 2), (recreated, 1)] {
        let other = suite.claim_by(key, C).with_fingerprint(OTHER_CONTENT);
        expect(rule, suite.claim_as(&other).await, Conflict(want));
    }
}

async fn one_of_many_concurrent_claims_wins(suite: &Suite<'_>) {
    race(suite, fresh_key(), 1).await;
}

async fn one_of_many_concurrent_takeovers_wins(suite: &Suite<'_>) {
    let (rule, key) = ("an event to be taken over", fresh_key());
    expect(rule, suite.claim(key, A).await, Won(1));
    suite.pass_lease().await;
    race(suite, key, 2).await;
}

/// Lets 64 owners claim the event at once: one wins, the others see that.
async fn race(suite: &Suite<'_>, key: DedupKey, attempt: u32) {
    const CLAIMS: usize = 64;
    let start = Arc::new(Barrier::new(CLAIMS));
    let mut tasks = JoinSet::new();
    for number in 0..CLAIMS {
        let (store, start) = (Arc::clone(&suite.store), Arc::clone(&start));
        let claim = suite.claim_by(key, Owner::from_u128(1_000 + number as u128));
        tasks.spawn(async move {
            start.wait().await;
            store.claim(&claim).await
        });
    }
    let mut wins = 0;
    for claimed in tasks.join_all().await {
        match ok("claim", claimed) {
            Claimed::Won { attempt: got } if got == attempt => wins += 1,
            Claimed::Busy { attempt: got, .. } if got == attempt => {}
            other => panic!("concurrent claims of attempt {attempt}: got {other:?}"),
        }
    }
    assert!(wins == 1, "{wins} of {CLAIMS} concurrent claims won");
}

async fn a_takeover_and_a_completion_exclude_each_other(suite: &Suite<'_>) {
    let rule = "a takeover and a completion at the same time";
    let mut keys = Vec::new();
    for _ in 0..32 {
        let key = fresh_key();
        expect(rule, suite.claim(key, A).await, Won(1));
        keys.push(key);
    }
    suite.pass_lease().await;
    for key in keys {
        let claim = suite.claim_by(key, B);
        let completion = Completion::new(CONTENT, 200, suite.ttl());
        let (one, two) = (Arc::clone(&suite.store), Arc::clone(&suite.store));
        let takeover = tokio::spawn(async move { one.claim(&claim).await });
        let complete = tokio::spawn(async move { two.complete(&key, A, completion).await });
        let (Ok(claimed), Ok(completed)) = (takeover.await, complete.await) else {
            panic!("{rule}: the store panicked");
        };
        match (ok("claim", claimed), ok("complete", completed)) {
            (Claimed::Won { attempt: 2 }, Complete::LeaseLost)
            | (Claimed::Duplicate { .. }, Complete::Done) => {}
            both => panic!("{rule}: {both:?}"),
        }
    }
}
