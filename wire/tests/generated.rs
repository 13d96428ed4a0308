//! The committed code is what the definitions say.

use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn generated_code_matches_the_definitions() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let expected: BTreeMap<_, _> =
        corelog_wire_codegen::generate(&here.join("../schemas/kafka")).unwrap().into_iter().collect();
    let mut stale = Vec::new();
    for (name, text) in &expected {
        let committed = std::fs::read_to_string(here.join("src/messages").join(name)).unwrap_or_default();
        if committed != *text {
            stale.push(name.clone());
        }
    }
    for entry in std::fs::read_dir(here.join("src/messages")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !expected.contains_key(&name) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "stale: {stale:?}; run `cargo run -p corelog-wire-codegen`");
}
