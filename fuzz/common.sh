# What fuzz/run and fuzz/long share; sourced in this folder.
export RUSTC_BOOTSTRAP=1 # stable has to be told that it may instrument

built=${CARGO_TARGET_DIR:-$PWD/target}
host=$(rustc -vV | sed -n 's/^host: //p')
binaries=$built/$host/release

all_targets() {
    basename -s .rs -a fuzz_targets/*.rs toy_mac/fuzz_targets/*.rs
}

# The toy MAC is in a workspace of its own, but builds only what differs: what
# both need is in one folder. The crate forbids unsafe code, so that a sanitizer
# would find nothing and cost nine tenths of the speed.
build() {
    local workspace
    for workspace in . toy_mac; do
        # cargo-fuzz cannot be told --locked.
        (cd "$workspace" && cargo metadata --locked --format-version 1 >/dev/null)
        cargo fuzz build --sanitizer none --target "$host" --fuzz-dir "$workspace" --target-dir "$built"
    done
}

# libfuzzer BINARY SECONDS FOLDER...: the first folder takes what is found.
libfuzzer() {
    local binary=$1 seconds=$2
    local artifacts=artifacts/${binary##*/}
    mkdir -p "$artifacts" "$3"
    "$binary" -max_total_time="$seconds" -max_len=2048 -timeout=10 -dict=dictionary \
        -artifact_prefix="$artifacts/" "${@:3}"
}
