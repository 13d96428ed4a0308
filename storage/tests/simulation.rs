//! The storage under simulated faults: workloads from seeds, checkers apart from them, minima that a run must reach.
//!
//! Environment: `SIM_SEEDS` (how many seeds, for a soak), `SIM_SEED` (replay this one alone, and print what it did).

#[path = "simulation/damage.rs"]
mod damage;
#[path = "simulation/journal.rs"]
mod journal;
#[path = "simulation/moves.rs"]
mod moves;
#[path = "simulation/report.rs"]
mod report;
#[path = "simulation/shard.rs"]
mod shard;

use report::Report;

/// Seeds of an ordinary run.
const SEEDS: u64 = 30;

/// The same where frames are under way when lives end: its lives are short.
const FRAMES_SEEDS: u64 = 400;

/// The same for the shard's workload, whose lives are longer.
const SHARD_SEEDS: u64 = 8;

/// The same for damage.
const DAMAGE_SEEDS: u64 = 30;

/// The same for logs that move.
const MOVES_SEEDS: u64 = 20;

/// What an ordinary run of the journal's workload must at least have seen.
const JOURNAL_MINIMA: &[(&str, u64)] = &[
    ("power cut", 100),
    ("kill", 25),
    ("write torn", 40),
    ("write lost", 40),
    ("unreadable block", 4),
    ("stall", 60),
    ("bit rot", 15),
    ("read error", 5),
    ("write error", 2),
    ("recovery", 120),
    ("record verified", 4_000),
    ("rot found", 2),
];

/// The same where frames are under way when lives end.
const FRAMES_MINIMA: &[(&str, u64)] = &[
    ("power cut", 1_600),
    ("kill", 500),
    ("write torn", 7_000),
    ("write lost", 7_000),
    ("directory entry lost", 30),
    ("recovery", 2_000),
    ("record verified", 40_000),
    ("rot found", 200),
];

/// The same for the shard's workload.
const SHARD_MINIMA: &[(&str, u64)] =
    &[("recovery", 20), ("power cut", 10), ("range read", 200), ("record verified", 200), ("log dropped", 2)];

/// The same for damage that a start finds.
const DAMAGE_MINIMA: &[(&str, u64)] = &[
    ("recovery", 100),
    ("damage done", 30),
    ("log out of service", 15),
    ("damage mended", 10),
    ("log deleted", 3),
    ("record verified", 1_000),
];

/// The same for logs that go from one data directory to another.
const COPIES_MINIMA: &[(&str, u64)] = &[
    ("recovery", 60),
    ("power cut", 40),
    ("log moved", 200),
    ("move given up", 8),
    ("target failed", 5),
    ("claim dropped", 2),
    ("range read", 1_000),
];

/// The same for those that go from one shard to another.
const SHARDS_MINIMA: &[(&str, u64)] = &[
    ("recovery", 60),
    ("power cut", 40),
    ("log moved", 1_000),
    ("move given up", 100),
    ("claim dropped", 10),
    ("range read", 1_000),
];

fn seeds(ordinary: u64) -> std::ops::Range<u64> {
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match (from_environment("SIM_SEED"), from_environment("SIM_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(ordinary),
    }
}

/// Runs a workload over all seeds, each twice, and states what was seen.
fn run_all(name: &str, ordinary: u64, minima: &[(&str, u64)], workload: fn(u64) -> Result<Report, String>) {
    let seeds = seeds(ordinary);
    let mut total = Report::default();
    for seed in seeds.clone() {
        let run = || workload(seed).unwrap_or_else(|broken| panic!("{name}, seed {seed}: {broken}"));
        let (first, second) = (run(), run());
        assert_eq!(first.trace, second.trace, "{name}, seed {seed}: two runs, two histories");
        assert_eq!(first.counters, second.counters, "{name}, seed {seed}: two runs, two histories");
        total.merge(&first);
    }
    println!("{name}: {} seeds, each twice to one trace hash", seeds.end - seeds.start);
    print!("{total}");
    if seeds.end - seeds.start >= ordinary {
        for (kind, least) in minima {
            let seen = total.counters.get(kind);
            assert!(seen >= *least, "{name}: {kind} {seen} times, at least {least} are due");
        }
    }
}

#[test]
fn the_journal_keeps_what_it_acknowledged() {
    run_all("journal", SEEDS, JOURNAL_MINIMA, journal::run);
}

#[test]
fn frames_under_way_at_an_end_are_told_from_those_of_the_next_life() {
    run_all("journal frames", FRAMES_SEEDS, FRAMES_MINIMA, journal::run_frames);
}

#[test]
fn logs_keep_what_they_acknowledged() {
    run_all("shard", SHARD_SEEDS, SHARD_MINIMA, shard::run);
}

#[test]
fn damage_takes_one_log_out_of_service_and_loses_nothing() {
    run_all("damage", DAMAGE_SEEDS, DAMAGE_MINIMA, damage::run);
}

#[test]
fn a_log_that_goes_to_another_directory_loses_nothing() {
    run_all("copies", MOVES_SEEDS, COPIES_MINIMA, moves::run_directories);
}

#[test]
fn a_log_that_goes_to_another_shard_loses_nothing() {
    run_all("hand-over", MOVES_SEEDS, SHARDS_MINIMA, moves::run_shards);
}

#[cfg(feature = "mutants")]
mod mutants {
    use corelog_storage::mutant::{Mutant, choose};

    use super::{damage, journal, moves, report::Report};

    /// Within how many seeds each mutant must be caught; and where it takes a kill within one of two steps, and a power
    /// cut in the life after it.
    const PATIENCE: u64 = 200;
    const LONG_PATIENCE: u64 = super::FRAMES_SEEDS;

    /// Runs a workload with a mutant until a property fails; says which. A panic counts: assertions are properties too.
    fn caught(mutant: Mutant, seeds: u64, workload: fn(u64) -> Result<Report, String>) -> Option<(u64, String)> {
        (0..seeds).find_map(|seed| {
            choose(Some(mutant));
            let outcome = std::panic::catch_unwind(|| workload(seed));
            choose(None);
            match outcome {
                Ok(Ok(_)) => None,
                Ok(Err(property)) => Some((seed, property)),
                Err(_) => Some((seed, "an assertion".to_string())),
            }
        })
    }

    /// Each mutant with what it must break, `|` between what may come first by chance.
    fn all_caught(mutants: &[(Mutant, &str)], workload: fn(u64) -> Result<Report, String>) {
        all_caught_within(PATIENCE, mutants, workload);
    }

    fn all_caught_within(seeds: u64, mutants: &[(Mutant, &str)], workload: fn(u64) -> Result<Report, String>) {
        let mut wrong = Vec::new();
        for (mutant, property) in mutants {
            match caught(*mutant, seeds, workload) {
                Some((seed, broken)) if property.split('|').any(|one| broken.contains(one)) => {
                    println!("{mutant:?}: seed {seed}: {broken}")
                }
                Some((seed, broken)) => {
                    wrong.push(format!("{mutant:?} broke another property at seed {seed}: {broken}"))
                }
                None => wrong.push(format!("{mutant:?} survived {seeds} seeds")),
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_bug_of_the_journal_is_caught() {
        all_caught(
            &[
                (Mutant::JournalAcksBeforeWrite, "acknowledged|recovery without rot"),
                (Mutant::JournalAcksOutOfOrder, "acknowledged"),
                (Mutant::JournalWritesWithoutDurability, "acknowledged|recovery without rot"),
                (Mutant::JournalSkipsFrameCrc, "never appended"),
                (Mutant::JournalFreesEarly, "needed"),
                (Mutant::JournalForgetsDirectorySync, "recovery without rot"),
                (Mutant::JournalIgnoresFailedWrites, "recovery without rot"),
                (Mutant::JournalTakesRotForTornTail, "idle"),
                (Mutant::JournalNeverCloses, "idle"),
            ],
            journal::run,
        );
    }

    #[test]
    fn frames_of_an_earlier_life_that_are_taken_for_the_next_are_caught() {
        all_caught(&[(Mutant::JournalSkipsChain, "never appended")], journal::run_frames);
    }

    #[test]
    fn names_that_a_killed_process_left_and_a_start_relied_on_are_caught() {
        let mutant = (Mutant::JournalTrustsRecoveredNames, "recovery without rot");
        all_caught_within(LONG_PATIENCE, &[mutant], journal::run_frames);
    }

    #[test]
    fn every_bug_of_copies_is_caught() {
        let lost = "acknowledged|what is there is read|what is read is|recovery without rot";
        all_caught(
            &[(Mutant::CopySkipsSync, lost), (Mutant::CopyMissesTheRest, lost), (Mutant::LogNamesComeOnce, lost)],
            moves::run_directories,
        );
    }

    #[test]
    fn every_bug_of_handing_over_is_caught() {
        all_caught(&[(Mutant::AdoptForgetsTheRest, "acknowledged")], moves::run_shards);
    }

    #[test]
    fn a_log_out_of_service_that_is_forgotten_is_caught() {
        all_caught(&[(Mutant::LogForgetsSetAside, "was out of service|acknowledged up to")], damage::run);
    }
}
