//! Consumers with fetch sessions, simulated: their partitions watched on two cores while records, deletions and changes
//! of the cluster come, and their connections move, end and begin. A failing seed is replayed with
//! `CORELOG_WATCHES_SEED=n cargo test -p corelog-broker --test watches`; `CORELOG_WATCHES_SEEDS=n` runs more.

#[path = "../support/client.rs"]
mod client;
#[path = "../request_path/cluster.rs"]
#[allow(dead_code, reason = "shared with the tests of the request path")]
mod cluster;
mod consumer;
mod history;

const SEEDS: u64 = 12;

/// What an ordinary run must at least have seen.
const MINIMA: &[(&str, u64)] = &[
    ("record read", 3_000),
    ("waited for a record", 300),
    ("more than an answer holds", 300),
    ("forgotten", 300),
    ("connection moved", 10),
    ("connection ended", 30),
    ("log start moved", 30),
    ("epoch bumped", 20),
    ("topic made anew", 20),
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn a_waiting_consumer_always_gets_its_record() {
    if let Some(seed) = number("CORELOG_WATCHES_SEED") {
        println!("{:?}", history::run(seed));
        return;
    }
    let mut total = history::Counts::new();
    for seed in 0..number("CORELOG_WATCHES_SEEDS").unwrap_or(SEEDS) {
        let outcome = std::panic::catch_unwind(|| history::run(seed));
        let counts = outcome.unwrap_or_else(|_| panic!("seed {seed} broke a property"));
        counts.into_iter().for_each(|(kind, many)| *total.entry(kind).or_default() += many);
    }
    println!("{total:#?}");
    for (kind, least) in MINIMA {
        let many = total.get(kind).copied().unwrap_or(0);
        assert!(many >= *least, "{kind} {many} times, at least {least} are due");
    }
}

#[cfg(feature = "mutants")]
#[test]
fn every_mutant_is_caught_by_its_property() {
    use corelog_broker::partition::mutant;
    const WITHIN: u64 = 30;
    for (mutant, property) in mutant::ALL {
        let caught = (0..WITHIN).find_map(|seed| {
            mutant::choose(Some(mutant));
            let outcome = std::panic::catch_unwind(|| history::run(seed));
            mutant::choose(None);
            let broken = outcome.err()?;
            let words = broken.downcast_ref::<String>().cloned();
            Some((seed, words.or_else(|| broken.downcast_ref::<&str>().map(|words| (*words).to_owned()))))
        });
        println!("{mutant:?}: {caught:?}");
        let (_, broken) = caught.unwrap_or_else(|| panic!("{mutant:?} survived {WITHIN} seeds"));
        let broken = broken.unwrap_or_default();
        assert!(broken.contains(property), "{mutant:?} broke another property: {broken}");
    }
}
