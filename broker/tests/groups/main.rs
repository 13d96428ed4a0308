//! The group coordinator under random scripted histories, each from one seed, judged by checkers. A failing seed is
//! replayed with `CORELOG_GROUP_SEED=n cargo test -p corelog-broker --test groups`; `CORELOG_GROUP_SEEDS=n` runs more.

mod checker;
mod history;

use std::collections::BTreeMap;

const SEEDS: u64 = 60;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn random_histories_keep_every_property() {
    if let Some(seed) = number("CORELOG_GROUP_SEED") {
        history::run(seed);
        return;
    }
    let mut judged: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut crashes, mut generations) = (0, 0);
    for seed in 0..number("CORELOG_GROUP_SEEDS").unwrap_or(SEEDS) {
        let outcome = std::panic::catch_unwind(|| history::run(seed));
        let summary = outcome.unwrap_or_else(|_| panic!("seed {seed} broke a property"));
        crashes += summary.crashes;
        generations += summary.generations;
        for (property, count) in summary.judged {
            *judged.entry(property).or_default() += count;
        }
    }
    println!("{crashes} crashes, {generations} generations, judged {judged:#?}");
    assert!(crashes >= SEEDS && generations >= 5 * SEEDS, "the histories are too tame: {crashes}, {generations}");
    assert_eq!(judged.len(), 7, "every property must be judged: {judged:?}");
    assert!(judged.values().all(|count| *count >= SEEDS / 4), "some property is hardly judged: {judged:?}");
}

#[test]
fn a_seed_gives_one_history() {
    for seed in 0..5 {
        assert_eq!(history::run(seed).trace, history::run(seed).trace);
    }
}

#[cfg(feature = "mutants")]
#[test]
fn every_mutant_is_caught() {
    use corelog_broker::group::mutant;
    const WITHIN: u64 = 300;
    for mutant in mutant::ALL {
        let caught = (0..WITHIN).find(|seed| {
            mutant::choose(Some(mutant));
            let outcome = std::panic::catch_unwind(|| history::run(*seed));
            mutant::choose(None);
            outcome.is_err()
        });
        println!("{mutant:?}: seed {caught:?}");
        assert!(caught.is_some(), "{mutant:?} survived {WITHIN} seeds");
    }
}
