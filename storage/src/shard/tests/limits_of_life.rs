//! What a long life must not cost: logs that come and go, and wall clocks that jump.

use super::*;

const HOUR: u64 = 3_600_000;
const DAY: i64 = 24 * HOUR as i64;
const YEAR: i64 = 365 * DAY;

/// A log whose segments, of one batch each, hold a record for each of the last `hours`.
async fn hourly(shard: &Rc<Shard<SimEnv>>, env: &SimEnv, hours: i64) -> Rc<Log<SimEnv>> {
    let config = LogConfig { retention_ms: Some(2 * DAY), segment_ms: 1, ..config() };
    let log = shard.create_log(id(0), config).unwrap();
    for hour in (0..hours).rev() {
        let timestamp = env.wall_clock_ms() - hour * HOUR as i64;
        let spec = BatchSpec { timestamp, ..BatchSpec::default() };
        log.append(&spec.valid(), LeaderEpoch(0)).unwrap();
    }
    // So that no age is a whole number of hours.
    env.sleep(Duration::from_millis(HOUR / 2)).await;
    log
}

/// Hours pass, with retention once in each.
async fn live(shard: &Rc<Shard<SimEnv>>, env: &SimEnv, hours: u64) {
    for _ in 0..hours {
        env.sleep(Duration::from_millis(HOUR)).await;
        shard.run_retention(DAY).await.unwrap();
    }
}

#[test]
fn a_wall_clock_a_year_ahead_deletes_nothing_before_its_time() {
    let bench = Bench::new("ahead", 20);
    let (shard, _) = bench.open();
    let world = bench.world.clone();
    bench.run(|env| async move {
        let log = hourly(&shard, &env, 30).await;
        let produced = BatchSpec { producer: Some((9, 0, 0)), timestamp: env.wall_clock_ms(), ..BatchSpec::default() };
        log.append(&produced.valid(), LeaderEpoch(0)).unwrap();
        world.set_wall_offset(Place::FIRST.host, YEAR);
        live(&shard, &env, 17).await;
        assert_eq!(log.start(), Offset(0), "30 + 17 hours are less than two days");
        assert!(log.append(&produced.valid(), LeaderEpoch(0)).unwrap().duplicate, "its producer is not forgotten");
        live(&shard, &env, 3).await;
        assert_eq!(log.start(), Offset(2), "what is two days old goes, by the hours that passed");
        world.set_wall_offset(Place::FIRST.host, 0);
        live(&shard, &env, 20).await;
        assert_eq!(log.start(), Offset(22), "and on, with the clock set right");
    });
}

#[test]
fn a_wall_clock_that_stays_ahead_is_believed_after_a_day() {
    let bench = Bench::new("believed", 21);
    let (shard, _) = bench.open();
    let world = bench.world.clone();
    bench.run(|env| async move {
        let log = hourly(&shard, &env, 2).await;
        world.set_wall_offset(Place::FIRST.host, YEAR);
        live(&shard, &env, 24).await;
        assert_eq!(log.start(), Offset(0));
        live(&shard, &env, 2).await;
        assert_eq!(log.start(), log.end());
    });
}

#[test]
fn a_wall_clock_set_back_deletes_nothing_and_the_right_time_is_known_again() {
    let bench = Bench::new("back", 22);
    let (shard, _) = bench.open();
    let world = bench.world.clone();
    bench.run(|env| async move {
        let log = hourly(&shard, &env, 40).await;
        world.set_wall_offset(Place::FIRST.host, -YEAR);
        live(&shard, &env, 30).await;
        assert_eq!(log.start(), Offset(0));
        world.set_wall_offset(Place::FIRST.host, 0);
        live(&shard, &env, 26).await;
        assert_eq!(log.start(), log.end(), "a step forward like any other: believed after a day");
    });
}

/// Topics come and go for ever, and a log is cut short again and again, without the cache ever being full.
#[test]
fn logs_that_come_and_go_leave_nothing_in_the_caches_order() {
    let bench = Bench::new("order", 23);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let lasting = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for round in 1..5_000 {
            let log = shard.create_log(id(round), config()).unwrap();
            append(&log, &mut Model::default(), 1, 10);
            shard.delete_log(id(round)).await.unwrap();
            let ticket = append(&lasting, &mut model, 1, 3_000);
            if round % 50 == 0 {
                lasting.wait_durable(ticket).await.unwrap();
                lasting.delete_records(lasting.end()).await.unwrap();
            }
        }
        let order = shard.context.in_order();
        assert!(order <= crate::limits::CACHE_ORDER_SWEPT, "{order} entries");
    });
}

/// Idempotent producers without end, of many logs: what all of them are remembered by is bounded, and goes with the logs.
#[test]
fn producers_without_end_are_forgotten_in_time() {
    let bench = Bench::new("producers", 24);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let most = options().cache_bytes / crate::limits::PRODUCERS_SHARE / crate::limits::PRODUCER_BYTES;
        for producer in 0..6_000 {
            let log = id((producer % 20) as i32);
            let log = shard.log(log).unwrap_or_else(|| shard.create_log(log, config()).unwrap());
            let spec = BatchSpec { producer: Some((producer, 0, 0)), ..BatchSpec::default() };
            let appended = log.append(&spec.valid(), LeaderEpoch(0)).unwrap();
            if producer % 100 == 0 {
                log.wait_durable(appended.ticket).await.unwrap();
            }
            assert!(log.append(&spec.valid(), LeaderEpoch(0)).unwrap().duplicate, "the newest is remembered");
        }
        let known: usize = shard.logs().iter().map(|log| log.state().borrow().producers().len()).sum();
        assert!(known <= most + 20 * crate::limits::PRODUCERS_KEPT, "{known} producers, {most} and a few may be");
        for log in 0..20 {
            shard.delete_log(id(log)).await.unwrap();
        }
        assert!(shard.context.has_room_for_producer());
    });
}

#[test]
fn a_long_segment_goes_in_pieces_and_who_reads_it_then_is_out_of_range() {
    let bench = Bench::new("pieces", 24);
    let (shard, _) = bench.open();
    let disk = bench.world.clone();
    let used = move || disk.disk_usage(Place::FIRST.host);
    bench.run(|env| async move {
        let log = shard.create_log(id(0), LogConfig { segment_bytes: 36 << 20, ..config() }).unwrap();
        let mut model = Model::default();
        let long = 320; // batches, and some more than its first segment has
        for _ in 0..long + 60 {
            append(&log, &mut model, 1, 120_000);
            log.flush_all().await.unwrap();
        }
        shard.checkpoint().await.unwrap();
        let outcomes: Rc<RefCell<Vec<_>>> = Rc::default();
        env.world().set_faults(Place::FIRST.host, Faults { stalls: 300_000, ..Faults::default() });
        for at in (0..long).step_by(7) {
            let (log, outcomes, env) = (log.clone(), outcomes.clone(), env.clone());
            env.clone().spawn(crate::env::Lane::Latency, async move {
                env.sleep(Duration::from_micros(40 * at as u64)).await;
                let read = log.read(Offset(at), 1, log.end(), true).await;
                outcomes.borrow_mut().push(read.map(|read| (at, read.chain.concat())));
            });
        }
        env.sleep(Duration::from_millis(5)).await;
        let before = used();
        log.delete_records(Offset(long)).await.unwrap();
        let freed = before - used();
        assert!(freed > 30 << 20, "{freed} bytes are free again");
        env.sleep(Duration::from_secs(10)).await;
        let outcomes = outcomes.take();
        let (read, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        for (at, bytes) in read.iter().flatten() {
            assert_eq!(bytes, &model.batches[*at as usize].2);
        }
        assert!(!read.is_empty() && !refused.is_empty(), "{} and {}", read.len(), refused.len());
        let gone =
            |read: &Result<_, _>| matches!(read, Err(ReadError::OutOfRange { start, .. }) if *start == Offset(long));
        assert!(refused.iter().all(gone), "{refused:?}");
    });
}
