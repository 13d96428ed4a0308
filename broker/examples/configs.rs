//! Prints the table of all configurations: `cargo run --example configs > broker/CONFIGS.md`.

fn main() {
    print!("{}", corelog_broker::config::table::markdown());
}
