//! The harness measures itself, against a real broker: what is equal comes out as equal, a delay is found, a stall shows as
//! long as it was, a kill loses nothing, and a run that goes wrong says so.

mod broker;
mod proxy;
mod run;

use broker::Broker;
use proxy::Proxy;
use run::{Run, workload};
use std::time::Duration;

/// What a busy machine does to every slice is not judged here.
const ANY_MACHINE: [&str; 4] = ["--most-steal", "100", "--most-pressure", "100"];
/// Every interval of this run holds the truth but one in a thousand.
const SURE: [&str; 2] = ["--confidence", "0.999"];
/// A partition for each of two cores: where a broker places a single one is luck.
const TICK: &str = "record = 100\nrate = 500\npartitions = 2\nconsumers = 1\nlate_ms = 500\n";
/// What warms up is not counted.
const WARM: &str = "warmup = 0.3\n";
/// Acknowledged before it is on a disk that others use, too.
const RELAXED: &str = "[topic]\nflush.messages = 1_000_000\n";

#[test]
fn a_broker_against_itself_gives_an_interval_that_contains_one() {
    let broker = Broker::start();
    let target = broker.endpoint();
    let (_file, path) = workload(&format!("{TICK}{WARM}seconds = 0.7\npairs = 11\n"));
    let run =
        Run::to_end(&["compare", &path, "--a", &target, "--b", &target, "--seed", "1"], &[&SURE[..], &ANY_MACHINE]);
    let done = run.succeeds();
    for metric in ["e2e.p50", "ack.p50", "records_per_s"] {
        let ratio = done.figure(metric, "ratio");
        assert!(ratio.low <= 1.0 && 1.0 <= ratio.high, "{metric}: {ratio:?}");
        assert_eq!(ratio.of, 11);
    }
    for name in ["summary.json", "timeline.csv", "report.html"] {
        assert!(run.out().join(name).exists(), "{name} is kept");
    }
    let logs = std::fs::read_dir(run.out()).expect("the folder").flatten();
    assert_eq!(logs.filter(|file| file.path().extension().is_some_and(|end| end == "hdr")).count(), 4);
    let charts = run.charts();
    assert!(charts.iter().all(|(_, chart)| chart.starts_with("<svg") && chart.contains("polyline")));
    assert!(charts.iter().any(|(name, _)| name == "tick.latency-by-percentile--e2e-.svg"), "{charts:?}");
}

#[test]
fn a_delay_of_100_us_in_one_of_two_is_found() {
    let broker = Broker::start();
    let quick = Proxy::start(broker.address(), Duration::ZERO);
    let slow = Proxy::start(broker.address(), Duration::from_micros(100));
    // Many short pairs: what the machine does meanwhile is alike in both slices of most of them.
    let pairs = "warmup = 0.1\nseconds = 0.25\npairs = 35\n";
    let (_file, path) = workload(&format!("{TICK}{pairs}{RELAXED}"));
    let arguments = ["compare", &path, "--a", quick.address(), "--b", slow.address(), "--names", "quick,slow"];
    let run = Run::to_end(&arguments, &[&ANY_MACHINE, &["--assert", "ack.p50 ratio < 1"]]);
    let done = run.succeeds();
    let (a, b) = (done.figure("ack.p50", "a").median, done.figure("ack.p50", "b").median);
    assert!((50.0..500.0).contains(&(b - a)), "100 us were added; {a} and {b} us were measured");
}

#[test]
fn a_broker_that_stands_still_for_two_seconds_shows_as_two_seconds() {
    let broker = Broker::start();
    let (_file, path) = workload(&format!("{TICK}{WARM}seconds = 5\npairs = 1\n"));
    let run = Run::begin(&["run", &path, "--target", &broker.endpoint()], &[&ANY_MACHINE]);
    std::thread::sleep(Duration::from_secs(3));
    broker.signal(libc::SIGSTOP);
    std::thread::sleep(Duration::from_secs(2));
    broker.signal(libc::SIGCONT);
    let done = run.succeeds();
    for metric in ["ack.max", "e2e.max"] {
        let most = done.figure(metric, "a").median / 1e6;
        assert!((1.8..3.5).contains(&most), "{metric} is {most} s");
    }
    // All that was due in those two of five seconds was sent, and waited: half of it for more than a second.
    assert!(done.figure("e2e.p90", "a").median > 300_000.0);
    assert!((done.figure("records_verified", "a").median - 500.0 * 5.3).abs() <= 2.0);
}

#[test]
fn a_broker_that_dies_leaves_what_was_measured_marked_as_partial() {
    let broker = Broker::start();
    let (_file, path) = workload(&format!("{TICK}{WARM}seconds = 1\npairs = 20\n"));
    let run = Run::begin(&["run", &path, "--target", &broker.endpoint()], &[&ANY_MACHINE]);
    std::thread::sleep(Duration::from_secs(5));
    broker.signal(libc::SIGKILL);
    let done = run.fails(1);
    assert_eq!(done.status(), "partial");
    let p50 = done.figure("e2e.p50", "a");
    assert!(p50.of >= 1 && p50.median > 0.0, "the slices before are kept: {p50:?}");
}

#[test]
fn a_broker_killed_under_load_comes_back_with_all_it_acknowledged() {
    let mut broker = Broker::start();
    let (_file, path) = workload("partitions = 4\nconnections = 4\ndepth = 4\nkill = true\nseconds = 1\npairs = 2\n");
    let restart = broker.command();
    let arguments = ["run", &path, "--target", &broker.endpoint(), "--restart", &restart];
    let done = Run::begin(&arguments, &[&ANY_MACHINE]).finish();
    broker.adopt(done.pid());
    let done = done.succeeds();
    assert!((0.0..60.0).contains(&done.figure("recovery.s", "a").median));
    assert!(done.figure("records_verified", "a").low > 0.0);
}

#[test]
fn a_backlog_is_drained_while_producers_go_on() {
    let broker = Broker::start();
    let text = format!("{TICK}{WARM}batch = 10\nseconds = 1\npairs = 2\nbacklog_mb = 2\n{RELAXED}");
    let (_file, path) = workload(&text);
    let done = Run::begin(&["run", &path, "--target", &broker.endpoint()], &[&ANY_MACHINE]).succeeds();
    assert!(done.figure("drain.mb_per_s", "a").low > 0.0);
    // What was there before is old: its age is not latency.
    assert!(done.figure("e2e.max", "a").high < 30e6 && done.figure("records_verified", "a").low >= 20_000.0);
}

#[test]
fn of_several_brokers_the_one_that_leads_is_loaded() {
    // Each core is a broker of its own here, and refuses what is another's.
    let broker = Broker::configured(|port| format!("cores = 2\ncore.listeners = \"CORES://127.0.0.1:{port}\"\n"));
    let (_file, path) = workload("rate = 200\nconsumers = 1\nseconds = 0.3\npairs = 4\nlate_ms = 500\n");
    let done = Run::begin(&["run", &path, "--target", &format!("127.0.0.1:{}", broker.spare_port())], &[&ANY_MACHINE])
        .succeeds();
    assert!(done.figure("records_verified", "a").of == 4, "four topics, on either core");
}

#[test]
fn others_sync_on_the_same_disk_and_leave_nothing() {
    let broker = Broker::start();
    let (_file, path) = workload("rate = 200\nsyncs_beside = 1\nseconds = 0.5\npairs = 1\nlate_ms = 500\n");
    let target = broker.endpoint();
    let beside = broker.folder();
    let arguments = ["run", &path, "--target", &target, "--sync-dir", &beside.display().to_string()];
    let done = Run::begin(&arguments, &[&ANY_MACHINE]).succeeds();
    assert!(done.figure("beside.syncs_per_s", "a").median > 0.0);
    let left = std::fs::read_dir(&beside).expect("the folder").flatten();
    assert_eq!(left.filter(|file| file.file_name().to_string_lossy().contains("syncs")).count(), 0);
    let run = Run::to_end(&["run", &path, "--target", &target], &[&ANY_MACHINE]);
    assert!(run.complains().contains("--sync-dir"));
}

#[test]
fn a_claim_that_does_not_hold_and_a_folder_that_exists_end_with_an_error() {
    let broker = Broker::start();
    let (_file, path) = workload(&format!("{TICK}{WARM}seconds = 0.5\npairs = 2\n"));
    let target = broker.endpoint();
    let claims = ["--assert", "e2e.p50 a < 0.001", "--assert", "e2e.p50 a > 0"];
    let run = Run::to_end(&["run", &path, "--target", &target], &[&ANY_MACHINE, &claims]);
    let done = run.fails(3);
    assert_eq!((done.status(), done.verdicts()), ("complete", vec![false, true]));
    let again = Run::into(run.out(), &["run", &path, "--target", &target], &[]);
    assert!(again.complains().contains("exists"));
}

#[test]
fn slices_that_a_rule_discards_are_measured_again_once_and_told() {
    let broker = Broker::start();
    let (_file, path) = workload(&format!("{TICK}{WARM}seconds = 0.5\npairs = 2\n"));
    let rules = ["--most-steal=-1", "--most-pressure", "100"];
    let run = Run::to_end(&["run", &path, "--target", &broker.endpoint()], &[&rules]);
    let done = run.fails(1);
    assert_eq!((done.status(), done.discarded()), ("partial", 4));
    let said = run.complains();
    assert!(said.contains("only 0 of 2 pairs count") && said.contains("steal"), "{said}");
}

#[test]
fn a_workload_with_a_mistake_is_named_with_file_line_and_key() {
    let (_file, path) = workload("record = 100\nconsumer = 1\n");
    let run = Run::to_end(&["run", &path, "--target", "127.0.0.1:1"], &[]);
    let said = run.complains();
    assert!(said.contains(&format!("{path}:2: unknown key consumer; did you mean consumers?")), "{said}");
}
