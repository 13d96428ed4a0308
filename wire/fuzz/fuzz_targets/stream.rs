//! See `stream` in `wire/tests/support/fuzzed.rs`.
#![no_main]

#[allow(dead_code)] // each target takes one
#[path = "../../tests/support/fuzzed.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzed::stream(data);
});
