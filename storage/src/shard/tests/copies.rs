//! Logs that go to another data directory while they are served, and come back.

use super::*;

/// Two data directories of one machine.
struct Pair {
    bench: Bench,
    other: PathBuf,
}

type Shards = (Rc<Shard<SimEnv>>, Rc<Shard<SimEnv>>);

impl Pair {
    fn new(name: &str, seed: u64) -> Self {
        let bench = Bench::new(name, seed);
        let other = bench.dir.with_extension("other");
        let made = other.clone();
        bench.run(|env| async move {
            env.create_dir(&made).await.unwrap();
            env.sync_dir(std::path::Path::new("/")).await.unwrap();
        });
        Self { bench, other }
    }

    fn open(&self) -> Shards {
        let dir = self.other.clone();
        let opened = |env| async move { Shard::open(env, &dir, ShardId(0), options()).await.unwrap().0 };
        (self.bench.open().0, self.bench.run(opened))
    }
}

async fn copied(to: &Rc<Shard<SimEnv>>, log: &Rc<Log<SimEnv>>) -> Copy<SimEnv> {
    let mut copy = to.begin_copy(log.id()).await.unwrap();
    while copy.step(log).await.unwrap() != Step::Level {}
    copy
}

/// Moves a log, all of it.
async fn moved(from: &Rc<Shard<SimEnv>>, to: &Rc<Shard<SimEnv>>, id: LogId) -> Rc<Log<SimEnv>> {
    let log = from.log(id).unwrap();
    let mut copy = copied(to, &log).await;
    let manifest = from.hold(id, Rest::Written).await.unwrap();
    copy.finish(&log, &manifest).await.unwrap();
    let moved = to.adopt_copy(copy, manifest).await.unwrap();
    from.delete_log(id).await.unwrap();
    moved
}

async fn append_some(log: &Rc<Log<SimEnv>>, model: &mut Model, count: usize) {
    for round in 0..count {
        let ticket = append(log, model, 3, [40, 3_000, 170_000][round % 3]);
        log.wait_durable(ticket).await.unwrap();
    }
    model.acked = model.end();
}

#[test]
fn a_log_is_the_same_in_another_directory_and_goes_on_there() {
    let pair = Pair::new("copy", 1);
    let (from, to) = pair.open();
    let model = pair.bench.run(|_| async move {
        let log = from.create_log(id(0), config()).unwrap();
        log.begin_epoch(LeaderEpoch(0)).unwrap();
        let mut model = Model::default();
        append_some(&log, &mut model, 20).await;
        log.delete_records(Offset(7)).await.unwrap();
        let known = (log.start(), log.end(), log.producer_infos(), log.latest_epoch());
        let mut copy = copied(&to, &log).await;
        append_some(&log, &mut model, 5).await;
        let known = (known.0, log.end(), log.producer_infos(), known.3);
        let manifest = from.hold(id(0), Rest::Written).await.unwrap();
        assert_eq!(log.append(&BatchSpec::default().valid(), LeaderEpoch(0)), Err(StorageError::Moved.into()));
        assert_eq!(log.delete_records(Offset(9)).await, Err(StorageError::Moved));
        assert_eq!(read_all(&log, 1 << 20).await, model.bytes_from(log.start()), "reads go on");
        copy.finish(&log, &manifest).await.unwrap();
        assert_eq!(copy.end(), Some(log.end()));
        let there = to.adopt_copy(copy, manifest).await.unwrap();
        from.delete_log(id(0)).await.unwrap();
        assert_eq!((there.start(), there.end(), there.producer_infos(), there.latest_epoch()), known);
        assert!(to.copies().await.unwrap().is_empty());
        // The producer's sequence goes on.
        append_some(&there, &mut model, 5).await;
        model
    });
    pair.bench.world.power_cut(Place::FIRST.host);
    let (from, to) = pair.open();
    assert!(from.claims().is_empty());
    pair.bench.run(|_| async move {
        let log = to.log(id(0)).unwrap();
        assert_eq!(read_all(&log, 9_000).await, model.bytes_from(log.start()));
    });
}

#[test]
fn a_copy_that_does_not_come_to_its_end_leaves_the_log_as_it_was() {
    let pair = Pair::new("undone", 2);
    let (from, to) = pair.open();
    let log = from.create_log(id(0), config()).unwrap();
    let model = pair.bench.run({
        let (from, to) = (from.clone(), to.clone());
        move |_| async move {
            let mut model = Model::default();
            append_some(&log, &mut model, 9).await;
            drop(copied(&to, &log).await);
            assert_eq!(to.copies().await.unwrap(), [id(0)], "it is to come here");
            to.drop_copy(id(0)).await.unwrap();
            assert!(to.copies().await.unwrap().is_empty());
            drop(copied(&to, &log).await);
            from.hold(id(0), Rest::Written).await.unwrap();
            from.take_back(id(0)).unwrap();
            append_some(&log, &mut model, 2).await;
            model
        }
    });
    drop((from, to));
    pair.bench.world.power_cut(Place::FIRST.host);
    let (from, to) = pair.open();
    pair.bench.run(|_| async move {
        assert_eq!((to.copies().await.unwrap(), to.claims().len()), (vec![id(0)], 0));
        assert_eq!(read_all(&from.log(id(0)).unwrap(), 1 << 20).await, model.bytes_from(Offset(0)));
    });
}

#[test]
fn a_log_that_went_and_came_back_is_there_whatever_the_journal_says_of_before() {
    let pair = Pair::new("back", 3);
    let (one, other) = pair.open();
    let model = pair.bench.run(|_| async move {
        // Keeps the journal from the beginning on.
        let old = one.create_log(id(1), config()).unwrap();
        append(&old, &mut Model::default(), 1, 10);
        let log = one.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        append_some(&log, &mut model, 4).await;
        let there = moved(&one, &other, id(0)).await;
        append_some(&there, &mut model, 2).await;
        let back = moved(&other, &one, id(0)).await;
        append_some(&back, &mut model, 2).await;
        one.checkpoint().await.unwrap();
        model
    });
    pair.bench.world.power_cut(Place::FIRST.host);
    let (one, _) = pair.open();
    pair.bench.run(|env| async move {
        // What was deleted is removed behind it.
        env.sleep(Duration::from_secs(1)).await;
        let log = one.log(id(0)).expect("it came back");
        assert_eq!(read_all(&log, 1 << 20).await, model.bytes_from(Offset(0)));
    });
}

#[test]
fn what_rotted_is_not_copied() {
    let pair = Pair::new("rotten-copy", 4);
    let (from, to) = pair.open();
    let log = from.create_log(id(0), config()).unwrap();
    pair.bench.run({
        let log = log.clone();
        move |_| async move { append_some(&log, &mut Model::default(), 12).await }
    });
    let path = log_dir(&pair.bench.dir, id(0)).join(crate::log::segment::segment_name(Offset(0)));
    pair.bench.world.rot(Place::FIRST.host, &path, 5_000, 3);
    pair.bench.run(|_| async move {
        let mut copy = to.begin_copy(id(0)).await.unwrap();
        let outcome = loop {
            match copy.step(&log).await {
                Ok(Step::Copied(_)) => {}
                other => break other,
            }
        };
        assert!(matches!(outcome, Err(CopyError::Source(StorageError::Corrupt { .. }))), "{outcome:?}");
    });
}
