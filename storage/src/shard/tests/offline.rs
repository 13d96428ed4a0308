//! Logs that a start finds damaged: they alone are out of service, until they are mended or deleted.

use super::*;
use crate::{
    log::segment::segment_name,
    shard::record::{Place as RecordPlace, kind as record_kind},
};

/// A shard of which one log has rotted in a batch that was durable. The other's records are in the journal alone.
struct Rotten {
    bench: Bench,
    path: PathBuf,
    good: Model,
    bad: Model,
}

const BIT: (u64, u8) = (60_000, 1);

impl Rotten {
    fn new(seed: u64) -> Self {
        let bench = Bench::new("rotten", seed);
        let (shard, _) = bench.open();
        let (good, bad) = bench.run(|_| async move {
            let config = LogConfig { segment_bytes: 1 << 20, ..config() };
            let (good_log, bad_log) =
                (shard.create_log(id(1), config).unwrap(), shard.create_log(id(0), config).unwrap());
            let (mut good, mut bad) = (Model::default(), Model::default());
            for _ in 0..3 {
                append(&good_log, &mut good, 1, 1_000);
                append(&bad_log, &mut bad, 1, 1_000);
                let ticket = append(&bad_log, &mut bad, 1, 150_000);
                bad_log.wait_durable(ticket).await.unwrap();
            }
            (good, bad)
        });
        let path = log_dir(&bench.dir, id(0)).join(segment_name(Offset(0)));
        let rotten = Self { bench, path, good, bad };
        rotten.bench.world.power_cut(Place::FIRST.host);
        rotten.flip();
        rotten
    }

    /// Damages the file, or mends it.
    fn flip(&self) {
        assert!(self.bench.world.rot(Place::FIRST.host, &self.path, BIT.0, BIT.1));
    }

    /// Opens it where the log is offline: the other is served whatever happens, and the journal goes round.
    fn open_without_it(&mut self, batches: i32) -> Rc<Shard<SimEnv>> {
        let (shard, _) = self.bench.open();
        let (served, mut good) = (shard.clone(), std::mem::take(&mut self.good));
        let path = self.path.display().to_string();
        self.good = self.bench.run(|env| async move {
            let offline = served.offline();
            let [(bad, StorageError::Corrupt { place, .. })] = &offline[..] else { panic!("{offline:?}") };
            assert!(*bad == id(0) && place.contains(&path), "{place}");
            assert!(served.log(id(0)).is_none() && served.claims().len() == 2);
            assert_eq!(served.create_log(id(0), config()).err(), Some(StorageError::Exists(id(0))));
            let log = served.log(id(1)).unwrap();
            assert_eq!(read_all(&log, 1 << 20).await, good.bytes_from(Offset(0)));
            for _ in 0..batches {
                let ticket = loop {
                    match try_append(&log, &mut good, 1, 60_000) {
                        Ok(ticket) => break ticket,
                        Err(error) => assert_eq!(error, AppendError::Overloaded),
                    }
                    env.sleep(Duration::from_millis(1)).await;
                };
                log.wait_durable(ticket).await.unwrap();
            }
            served.checkpoint().await.unwrap();
            good
        });
        shard
    }

    /// Opens it where the log is whole again: nothing of it is missing, and it goes on.
    fn open_mended(&mut self, expected: &[LogId]) {
        let (shard, report) = self.bench.open();
        assert_eq!((report.mended.as_slice(), report.suspect, report.logs), (expected, false, 2));
        let (good, mut bad) = (self.good.clone(), std::mem::take(&mut self.bad));
        self.bad = self.bench.run(|_| async move {
            assert!(shard.offline().is_empty());
            assert_eq!(read_all(&shard.log(id(1)).unwrap(), 1 << 20).await, good.bytes_from(Offset(0)));
            let log = shard.log(id(0)).unwrap();
            assert_eq!(read_all(&log, 1 << 20).await, bad.bytes_from(Offset(0)));
            // The producer's sequence would be refused if its last batches had been forgotten.
            let ticket = append(&log, &mut bad, 1, 1_000);
            log.wait_durable(ticket).await.unwrap();
            bad
        });
        self.bench.world.power_cut(Place::FIRST.host);
    }
}

#[test]
fn a_rotten_batch_takes_its_own_log_out_of_service_until_it_is_mended() {
    for batches in [0, 100] {
        let mut rotten = Rotten::new(12);
        for _ in 0..3 {
            rotten.open_without_it(batches);
            rotten.bench.world.power_cut(Place::FIRST.host);
        }
        rotten.flip();
        rotten.open_mended(&[id(0)]);
        rotten.open_mended(&[]);
        let left = rotten.bench.world.files(Place::FIRST.host);
        assert!(!left.iter().any(|path| path.ends_with("set-aside")), "{left:?}");
    }
}

#[test]
fn a_log_out_of_service_can_be_deleted_and_made_anew() {
    for restart in [false, true] {
        let mut rotten = Rotten::new(13);
        let mut shard = rotten.open_without_it(3);
        if restart {
            rotten.bench.world.power_cut(Place::FIRST.host);
            shard = rotten.open_without_it(100);
        }
        rotten.bench.run(|_| async move {
            shard.delete_log(id(0)).await.unwrap();
            assert!(shard.offline().is_empty());
            let log = shard.create_log(id(0), config()).unwrap();
            let ticket = append(&log, &mut Model::default(), 1, 1_000);
            log.wait_durable(ticket).await.unwrap();
        });
        let files = rotten.bench.world.files(Place::FIRST.host);
        assert!(!files.iter().any(|path| path.ends_with("set-aside")), "{files:?}");
        rotten.bench.world.power_cut(Place::FIRST.host);
        let (shard, report) = rotten.bench.open();
        assert_eq!((report.logs, shard.log(id(0)).unwrap().end()), (2, Offset(1)));
    }
}

#[test]
fn a_log_whose_directory_is_gone_is_alone_out_of_service() {
    let mut rotten = Rotten::new(14);
    rotten.flip();
    let (dir, path) = (log_dir(&rotten.bench.dir, id(0)), rotten.path.clone());
    let saved = rotten.bench.world.content(Place::FIRST.host, &path).unwrap();
    rotten.bench.run(|env| async move {
        for name in env.list(&dir).await.unwrap() {
            env.remove(&dir.join(name)).await.unwrap();
        }
        env.remove(&dir).await.unwrap();
        env.sync_dir(dir.parent().unwrap()).await.unwrap();
    });
    rotten.open_without_it(100);
    rotten.bench.world.power_cut(Place::FIRST.host);
    rotten.bench.world.put(Place::FIRST.host, &path, &saved);
    rotten.open_mended(&[id(0)]);
}

#[test]
fn damaged_records_set_aside_keep_their_log_out_of_service() {
    let mut rotten = Rotten::new(15);
    rotten.open_without_it(100);
    rotten.bench.world.power_cut(Place::FIRST.host);
    rotten.flip();
    let aside = log_dir(&rotten.bench.dir, id(0)).join("set-aside");
    assert!(rotten.bench.world.rot(Place::FIRST.host, &aside, 100, 0));
    rotten.path = aside.clone();
    rotten.open_without_it(3);
    rotten.bench.world.power_cut(Place::FIRST.host);
    assert!(rotten.bench.world.rot(Place::FIRST.host, &aside, 100, 0));
    rotten.open_mended(&[id(0)]);
}

#[test]
fn a_record_that_does_not_fit_its_log_takes_no_other_with_it() {
    let bench = Bench::new("misfit", 16);
    let (shard, _) = bench.open();
    let good = bench.run(|_| async move {
        let (log, _) = (shard.create_log(id(1), config()).unwrap(), shard.create_log(id(0), config()).unwrap());
        let mut model = Model::default();
        // Where no batch can lie.
        let place = RecordPlace { number: shard.log(id(0)).unwrap().number(), segment: Offset(0), position: 7 };
        shard.context.write(record_kind::APPEND, &[&place.encode(), &BatchSpec::default().build()]);
        let ticket = append(&log, &mut model, 1, 1_000);
        log.wait_durable(ticket).await.unwrap();
        model
    });
    bench.world.power_cut(Place::FIRST.host);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        assert_eq!(shard.offline().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(0)]);
        assert_eq!(read_all(&shard.log(id(1)).unwrap(), 1 << 20).await, good.bytes_from(Offset(0)));
    });
}
