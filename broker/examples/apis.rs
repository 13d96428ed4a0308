//! Brings the README's table of APIs up to date: `cargo run --example apis`.

#![allow(clippy::disallowed_methods, reason = "a tool of the repository, outside the environment")]

use std::{fs, path::Path};

fn main() -> std::io::Result<()> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(&readme)?;
    let text = corelog_broker::api::compatibility::within(&text).expect("README.md has a place for the table");
    fs::write(readme, text)
}
