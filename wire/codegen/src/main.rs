//! Writes `wire/src/messages` anew from `schemas/kafka`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (from, to) = (here.join("../../schemas/kafka"), here.join("../src/messages"));
    let written = corelog_wire_codegen::generate(&from).and_then(|files| {
        for (name, text) in &files {
            std::fs::write(to.join(name), text).map_err(|e| format!("{name}: {e}"))?;
        }
        Ok(files.len())
    });
    match written {
        Ok(count) => {
            println!("{count} files written to {}", to.display());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
