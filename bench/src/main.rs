//! The `corelog-bench` binary.
fn main() {}
