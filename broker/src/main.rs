//! The `corelog` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    corelog_broker::cli::run()
}
