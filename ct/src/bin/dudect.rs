//! Times verifications with dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my
//! code constant time?", 2017): of two classes of requests in a random order,
//! do the times differ? `|t|` below 10 says that no difference was found. Not
//! part of `ct/run`: it measures, and a busy machine disturbs it.

use std::cell::Cell;
use std::hint::black_box;

use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use tower_webhook_ct::case::{Case, copied};
use tower_webhook_ct::controls::{LEAKS, mac};
use tower_webhook_ct::requests;

const ROUNDS: usize = 100_000;

/// One bit after the other, from xorshift64: which class comes next shall have
/// nothing to do with what was before.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 63 == 1
    }
}

/// Runs `run` with copies of `left` and `right`, in a random order. Both are
/// copied to the same place; and before either is timed, `run` runs with `left`,
/// so that what the processor remembers of copying them is gone.
fn race<T>(
    runner: &mut CtRunner,
    [left, right]: [&T; 2],
    prepare: &dyn Fn(&T) -> T,
    run: &dyn Fn(T) -> bool,
) {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    for _ in 0..ROUNDS {
        let (class, of) = match bits.next() {
            true => (Class::Left, left),
            false => (Class::Right, right),
        };
        let prepared = Cell::new(Some(prepare(of)));
        black_box(run(prepare(left)));
        runner.run_one(class, || black_box(prepared.take().is_some_and(run)));
    }
}

/// Two cases of one family and shape.
fn compare(runner: &mut CtRunner, family: &str, shape: &str, [left, right]: [&str; 2]) {
    let cases = requests::cases();
    let find = |what: &str| -> &Case {
        let mut cases = cases
            .iter()
            .filter(|case| case.family == family && case.shape == shape && case.what == what);
        cases.next().expect("a case of this name")
    };
    let (left, right) = (find(left), find(right));
    let verifier = left.verifier(left.secrets());
    let requests = [&left.request, &right.request];
    race(runner, requests, &copied, &|request| {
        left.verify(&verifier, request)
    });
}

const ONE: &str = "1 keys, 1 signatures";
const THREE: &str = "3 keys, 1 signatures";
const FOUR: &str = "3 keys, 4 signatures";
const HMAC: &str = "HMAC-SHA256, Whole";

fn hmac_wrong_first_or_last_byte(runner: &mut CtRunner, _: &mut BenchRng) {
    compare(runner, HMAC, ONE, ["first byte wrong", "last byte wrong"]);
}

fn hmac_wrong_last_byte_or_all(runner: &mut CtRunner, _: &mut BenchRng) {
    compare(runner, HMAC, ONE, ["last byte wrong", "every byte wrong"]);
}

fn hmac_first_or_last_key(runner: &mut CtRunner, _: &mut BenchRng) {
    compare(runner, HMAC, THREE, ["first key", "last key"]);
}

fn hmac_first_of_first_or_last_of_last(runner: &mut CtRunner, _: &mut BenchRng) {
    compare(runner, HMAC, FOUR, ["first of first", "last of last"]);
}

fn token_wrong_first_or_last_byte(runner: &mut CtRunner, _: &mut BenchRng) {
    compare(
        runner,
        "token, Whole",
        ONE,
        ["first byte wrong", "last byte wrong"],
    );
}

fn token_first_or_last_key(runner: &mut CtRunner, _: &mut BenchRng) {
    compare(runner, "token, Whole", THREE, ["first key", "last key"]);
}

/// What must be found: `|t|` far above 10.
fn control_early_return(runner: &mut CtRunner, _: &mut BenchRng) {
    control(runner, "a loop that returns early", |right, keys| {
        let _ = keys;
        let [mut early, mut late] = [right; 2];
        early[0] ^= 1;
        late[31] ^= 1;
        [early, late]
    });
}

/// What must be found: `|t|` far above 10.
fn control_first_match(runner: &mut CtRunner, _: &mut BenchRng) {
    control(runner, "the first key that matches", |right, keys| {
        [right, mac(&keys[2], b"message")]
    });
}

fn control(
    runner: &mut CtRunner,
    name: &str,
    sent: impl Fn([u8; 32], &[Vec<u8>]) -> [[u8; 32]; 2],
) {
    let control = LEAKS.iter().find(|control| control.name == name);
    let compare = control.expect("a control of this name").compare;
    let keys: Vec<Vec<u8>> = requests::KEYS.iter().map(|key| key.to_vec()).collect();
    let [left, right] = sent(mac(&keys[0], b"message"), &keys);
    race(runner, [&left, &right], &|sent| *sent, &|sent| {
        compare(&keys, b"message", &sent)
    });
}

ctbench_main!(
    control_early_return,
    control_first_match,
    hmac_wrong_first_or_last_byte,
    hmac_wrong_last_byte_or_all,
    hmac_first_or_last_key,
    hmac_first_of_first_or_last_of_last,
    token_wrong_first_or_last_byte,
    token_first_or_last_key
);
