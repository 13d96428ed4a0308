//! A log whose records are deleted while others are appended, and its shard started anew.

use super::*;

/// Starts the shard anew after a kill, and wants of the log exactly `model` from `start` on.
fn found_again(bench: &Bench, model: &Model, start: Offset) {
    bench.world.kill(Place::FIRST.host);
    let (shard, report) = bench.open();
    assert!(report.truncated.is_empty() && !report.suspect);
    let (model, expected) = (model.clone(), model.bytes_from(start));
    bench.run(|_| async move {
        let log = shard.log(id(0)).expect("the log is served");
        assert_eq!((log.start(), log.end()), (start, model.end()));
        assert_eq!(read_all(&log, 1 << 20).await, expected);
    });
}

#[test]
fn that_records_are_deleted_is_said_when_it_is_durable_whoever_deleted_them() {
    let bench = Bench::new("deleted-twice", 1);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let log = shard.create_log(id(0), config()).unwrap();
        let ticket = append(&log, &mut Model::default(), 10, 100);
        log.wait_durable(ticket).await.unwrap();
        let (mut first, mut second) = (pin!(log.delete_records(Offset(5))), pin!(log.delete_records(Offset(5))));
        let waits = poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_pending())).await;
        assert!(waits && log.start() == Offset(5), "moved, and not durable yet");
        assert!(poll_fn(|context| Poll::Ready(second.as_mut().poll(context).is_pending())).await);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Offset(5), Offset(5)));
    });
}

#[test]
fn a_checkpoint_may_know_a_later_start_than_the_journal_tells_of_first() {
    start_ahead_run();
}

/// The checkpoint knows the newer start, the journal has the older one in the midst of the batches.
pub(super) fn start_ahead_run() {
    let bench = Bench::new("start-ahead", 1);
    let (shard, _) = bench.open();
    let model = bench.run(|_| async move {
        let log = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for start in [5, 15] {
            for _ in 0..10 {
                append(&log, &mut model, 1, 1_000);
            }
            assert_eq!(log.delete_records(Offset(start)).await, Ok(Offset(start)));
        }
        shard.checkpoint().await.unwrap();
        model
    });
    found_again(&bench, &model, Offset(15));
}

/// The journal has the start at the log's end, then a batch of the same segment.
#[test]
fn what_is_appended_while_all_before_it_is_deleted_is_found_again() {
    let bench = Bench::new("start-at-end", 1);
    let (shard, _) = bench.open();
    let model = bench.run(|_| async move {
        let log = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for _ in 0..10 {
            let ticket = append(&log, &mut model, 1, 1_000);
            log.wait_durable(ticket).await.unwrap();
        }
        let mut deleting = pin!(log.delete_records(Offset(10)));
        assert!(poll_fn(|context| Poll::Ready(deleting.as_mut().poll(context).is_pending())).await);
        let ticket = append(&log, &mut model, 1, 1_000);
        assert_eq!(deleting.await, Ok(Offset(10)));
        log.wait_durable(ticket).await.unwrap();
        model
    });
    found_again(&bench, &model, Offset(10));
}

/// What a relaxed log lost may lie below its start: then the log is empty, not shorter than nothing.
#[test]
fn a_log_does_not_end_before_it_starts() {
    let bench = Bench::new("start-behind-end", 1);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let log = shard.create_log(id(0), LogConfig { relaxed: true, ..config() }).unwrap();
        let mut model = Model::default();
        append(&log, &mut model, 1, 1_000);
        append(&log, &mut model, 1, 150_000);
        assert_eq!(log.delete_records(Offset(2)).await, Ok(Offset(2)));
    });
    bench.world.power_cut(Place::FIRST.host);
    let path = log_dir(&bench.dir, id(0)).join(crate::log::segment::segment_name(Offset(0)));
    bench.world.rot(Place::FIRST.host, &path, 60_000, 1);
    let (shard, _) = bench.open();
    let mut model = Model { batches: vec![(Offset(1), Offset(2), Bytes::new())], sequence: 1, ..Model::default() };
    let model = bench.run(|_| async move {
        let log = shard.log(id(0)).unwrap();
        assert_eq!((log.start(), log.end()), (Offset(2), Offset(2)));
        log.set_config(config());
        let ticket = append(&log, &mut model, 1, 1_000);
        log.wait_durable(ticket).await.unwrap();
        model
    });
    found_again(&bench, &model, Offset(2));
}

/// Of two who delete, the second's start is not durable yet when the first's is: a crash then must find what only the
/// second deletes.
#[test]
fn segments_are_given_up_by_the_start_that_is_durable() {
    let mut between = 0;
    for seed in 0..10 {
        let bench = Bench::new("deleted-halfway", seed);
        let (shard, _) = bench.open();
        let opened = shard.clone();
        let log = bench.run(|_| async move {
            let log = opened.create_log(id(0), config()).unwrap();
            let mut model = Model::default();
            for _ in 0..30 {
                append(&log, &mut model, 1, 10_000);
            }
            log.flush_all().await.unwrap();
            log
        });
        let env = bench.world.env(Place::FIRST);
        let (first, second) = (log.clone(), log.clone());
        bench.world.spawn(Place::FIRST, async move {
            env.spawn(crate::env::Lane::Latency, async move { drop(first.delete_records(Offset(5)).await) });
            env.sleep(Duration::from_micros(1)).await;
            drop(second.delete_records(Offset(25)).await);
        });
        while log.image().segments[0].base == Offset(0) {
            between += u32::from(log.start() == Offset(25));
            bench.world.run_steps(1);
        }
        assert!(shard.context.journal().durable() >= shard.context.last_sequence.get(), "seed {seed}");
    }
    assert!(between > 0, "the second was on its way");
}
