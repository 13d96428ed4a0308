//! A node with several data directories and cores, between which partitions go, simulated whole: started as `corelog serve` starts one, with disks that are
//! missing, swapped or failing. A failing seed is replayed with `CORELOG_DIRS_SEED=n cargo test -p corelog-broker --test
//! directories`; `CORELOG_DIRS_SEEDS=n` runs more.

#[path = "../support/client.rs"]
mod client;
mod cores;
mod history;
mod node;
mod scenarios;

use corelog_storage::sim::Counters;

const SEEDS: u64 = 18;

/// What an ordinary run must at least have seen.
const MINIMA: &[(&str, u64)] = &[
    ("start", 50),
    ("power cut", 20),
    ("disk missing", 3),
    ("disk dead at the start", 3),
    ("disk unreadable at the start", 2),
    ("disk failed", 8),
    ("disks mounted elsewhere", 8),
    ("directory added", 3),
    ("move asked for", 150),
    ("move to a core", 300),
    ("batch consumed", 1_000),
    ("partition moved", 40),
    ("partition placed", 60),
    ("partition seen offline", 50),
    ("record verified", 3_000),
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn a_disk_takes_its_own_partitions_offline_and_nothing_acknowledged_is_lost() {
    if let Some(seed) = number("CORELOG_DIRS_SEED") {
        println!("{:?}", history::run(seed).unwrap_or_else(|broken| panic!("seed {seed}: {broken}")));
        return;
    }
    let mut total = Counters::default();
    for seed in 0..number("CORELOG_DIRS_SEEDS").unwrap_or(SEEDS) {
        let (counters, _) = history::run(seed).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        total.merge(&counters);
    }
    total.iter().for_each(|(kind, many)| println!("  {many:>9}  {kind}"));
    for (kind, least) in MINIMA {
        assert!(total.get(kind) >= *least, "{kind} {} times, at least {least} are due", total.get(kind));
    }
}

#[test]
fn a_seed_gives_one_history() {
    assert_eq!(history::run(3).map(|run| run.1), history::run(3).map(|run| run.1));
}

#[cfg(feature = "mutants")]
#[test]
fn every_mutant_is_caught_by_its_property() {
    use corelog_broker::{directories::mutant, transfer::mutant as transfers};
    for (mutant, property) in mutant::ALL {
        is_caught(&format!("{mutant:?}"), property, |chosen| mutant::choose(chosen.then_some(mutant)));
    }
    for (mutant, property) in transfers::ALL {
        is_caught(&format!("{mutant:?}"), property, |chosen| transfers::choose(chosen.then_some(mutant)));
    }
}

#[cfg(feature = "mutants")]
fn is_caught(mutant: &str, property: &str, choose: impl Fn(bool)) {
    const WITHIN: u64 = 120;
    let caught = (0..WITHIN).find_map(|seed| {
        choose(true);
        let outcome = std::panic::catch_unwind(|| history::run(seed));
        choose(false);
        match outcome {
            Ok(Ok(_)) => None,
            Ok(Err(broken)) => Some((seed, broken)),
            Err(_) => Some((seed, "an assertion".to_owned())),
        }
    });
    println!("{mutant}: {caught:?}");
    let (_, broken) = caught.unwrap_or_else(|| panic!("{mutant} survived {WITHIN} seeds"));
    assert!(property.split('|').any(|one| broken.contains(one)), "{mutant} broke another property: {broken}");
}
