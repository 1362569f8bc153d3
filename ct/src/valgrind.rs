//! Client requests: what a program tells the valgrind that it runs under.
//!
//! The sequence of instructions does nothing on a real processor; valgrind
//! knows it. See `valgrind.h`, `memcheck.h` and `callgrind.h` of valgrind.

use std::ffi::CStr;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("the client requests are written for Linux on x86-64 only");

const RUNNING_ON_VALGRIND: usize = 0x1001;
const COUNT_ERRORS: usize = 0x1201;

const MEMCHECK: usize = tool(b'M', b'C');
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;

const CALLGRIND: usize = tool(b'C', b'T');
const ZERO_STATS: usize = CALLGRIND + 1;
const TOGGLE_COLLECT: usize = CALLGRIND + 2;
const DUMP_STATS_AT: usize = CALLGRIND + 3;

const fn tool(first: u8, second: u8) -> usize {
    (first as usize) << 24 | (second as usize) << 16
}

/// The answer to a request; 0 without valgrind.
#[expect(unsafe_code, reason = "only instructions make a client request")]
fn request(code: usize, first: usize, second: usize) -> usize {
    let arguments = [code, first, second, 0, 0, 0];
    let mut answer = 0;
    // SAFETY: the rotations add up to 128 bits, so that `rdi` is as it was, and
    // `rbx` is exchanged with itself. Valgrind reads six words at `rax` and
    // writes `rdx`; of the memory in the arguments it changes what it knows of
    // it, not the bytes.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const arguments,
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

/// Whether the program runs under valgrind.
#[must_use]
pub fn is_there() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) != 0
}

/// Marks `bytes` as secret: from here on, memcheck counts an error wherever a
/// branch or an address depends on them.
pub fn poison(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, bytes.as_mut_ptr() as usize, bytes.len());
}

/// Marks `value` as public.
pub fn publish(value: &mut bool) {
    request(MAKE_MEM_DEFINED, std::ptr::from_mut(value) as usize, 1);
}

/// How many errors memcheck has counted.
#[must_use]
pub fn errors() -> usize {
    request(COUNT_ERRORS, 0, 0)
}

/// Has callgrind count the instructions of `run`, and write them to a file
/// under `name`.
#[inline(never)]
pub fn count(name: &CStr, run: &mut dyn FnMut()) {
    request(ZERO_STATS, 0, 0);
    request(TOGGLE_COLLECT, 0, 0);
    run();
    request(TOGGLE_COLLECT, 0, 0);
    request(DUMP_STATS_AT, name.as_ptr() as usize, 0);
}
