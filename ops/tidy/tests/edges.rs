//! The crates know only whom they may know, and every dependency says what it is for.

use corelog_tidy::{files, read};
use toml::{Table, Value};

/// Which of our crates each crate may use.
const EDGES: [(&str, &[&str]); 7] = [
    ("wire", &["corelog-wire-codegen"]), // for tests alone
    ("wire/codegen", &[]),
    ("storage", &[]),
    ("broker", &["corelog-wire", "corelog-storage"]),
    ("bench", &["corelog-wire"]),
    ("ops/tidy", &[]),
    ("ops/power-cut", &["corelog-storage", "corelog-broker"]),
];

fn manifest(path: &str) -> Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every dependency of a member, of whatever kind: (kind, name, value).
fn dependencies(manifest: &Table) -> Vec<(String, String, Value)> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = kinds.iter().filter_map(|kind| Some((kind, manifest.get(*kind)?.as_table()?)));
    tables.flat_map(|(kind, table)| table.iter().map(|(n, v)| (kind.to_string(), n.clone(), v.clone()))).collect()
}

#[test]
fn every_member_has_its_edges_stated_here() {
    let workspace = manifest("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("members");
    let mut members: Vec<&str> = members.iter().map(|m| m.as_str().expect("a path")).collect();
    let mut stated: Vec<&str> = EDGES.iter().map(|(member, _)| *member).collect();
    members.sort();
    stated.sort();
    assert_eq!(members, stated);
    let manifests = files().iter().filter(|f| f.ends_with("Cargo.toml") && *f != "Cargo.toml").count();
    assert!(manifests >= members.len());
}

#[test]
fn crates_use_only_the_crates_they_may() {
    for (member, allowed) in EDGES {
        for (kind, name, _) in dependencies(&manifest(&format!("{member}/Cargo.toml"))) {
            let ours = name.starts_with("corelog-");
            assert!(!ours || allowed.contains(&name.as_str()), "{member}: {kind} on {name} is a forbidden edge");
        }
    }
}

#[test]
fn members_take_their_dependencies_from_the_workspace() {
    for (member, _) in EDGES {
        let path = format!("{member}/Cargo.toml");
        for (kind, name, value) in dependencies(&manifest(&path)) {
            let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
            assert!(inherits, "{path}: {kind} {name} is not taken from the workspace's list");
        }
    }
}

#[test]
fn every_dependency_states_its_reason() {
    let text = read("Cargo.toml");
    let mut previous = "";
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if inside && line.contains('=') && !line.starts_with('#') && !line.starts_with("corelog-") {
            let stated = line.contains("# ") || previous.starts_with("# ");
            assert!(stated, "Cargo.toml: why is this dependency here? {line}");
        }
        previous = line;
    }
}
