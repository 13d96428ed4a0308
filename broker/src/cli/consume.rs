//! `corelog consume`: prints a topic's records, of some partitions or as a member of a group its share of all.

use std::{
    collections::BTreeMap,
    io::{Write, stdout},
    time::Duration,
};

use clap::Args;

use super::{
    cluster::Cluster,
    failure::{Failure, check},
    group, interrupt,
    printer::{Format, Printer},
    when::Start,
};

/// How long a fetch may wait for records.
pub(super) const FETCH_WAIT: Duration = Duration::from_millis(500);

#[derive(Args)]
#[group(id = "consume-options")]
pub(super) struct Consume {
    /// The topic.
    topic: String,
    /// The partition [default: all of them].
    #[arg(long, short)]
    partition: Option<i32>,
    /// Reads what the other members of this group leave, from where the group left off.
    #[arg(long, short, value_name = "NAME", conflicts_with_all = ["partition", "offset"])]
    group: Option<String>,
    /// Where to begin (with --group: what the group has committed nothing of): earliest, latest, a time such as
    /// 2026-01-31T12:00:00Z, a span such as 15m before now, or @ and milliseconds since 1970.
    #[arg(long, value_name = "WHERE", default_value = "earliest", conflicts_with = "offset")]
    from: Start,
    /// The first offset to print.
    #[arg(long, value_name = "N", requires = "partition")]
    offset: Option<i64>,
    /// Ends when all that was there is printed.
    #[arg(long, short)]
    exit: bool,
    /// Ends after so many records.
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,
    /// What a line says.
    #[arg(long, short, value_enum, default_value_t = Format::Value)]
    format: Format,
    /// Prints keys before values, with this text between.
    #[arg(long, value_name = "TEXT")]
    key_separator: Option<String>,
}

impl Consume {
    pub(super) fn run(self, broker: &str) -> Result<(), Failure> {
        let cluster = Cluster::through(broker)?;
        let printer = Printer {
            format: self.format,
            key_separator: self.key_separator.clone(),
            left: self.count.unwrap_or(u64::MAX),
            output: stdout().lock(),
        };
        match self.group {
            Some(group) => {
                let wanted = group::consume::Wanted { group, topic: self.topic, from: self.from, exit: self.exit };
                group::consume::run(wanted, cluster, printer)
            }
            None => self.read(cluster, printer),
        }
    }

    /// Reads the partitions from their leaders, who are asked in turn.
    fn read(&self, mut cluster: Cluster, mut printer: Printer<impl Write>) -> Result<(), Failure> {
        interrupt::heed();
        let mut leaders = cluster.leaders(&self.topic, false)?;
        if let Some(partition) = self.partition {
            cluster.leader(&self.topic, partition, false)?; // says so if there is none
            leaders.retain(|other, _| *other == partition);
        }
        let (mut positions, mut ends) = (BTreeMap::new(), BTreeMap::new());
        let mut led: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for (partition, leader) in leaders {
            let client = cluster.at(&leader)?;
            let end = client.offset(&self.topic, partition, Start::Latest.timestamp())?;
            let begin = match self.offset {
                Some(offset) => offset,
                None => client.offset_from(&self.topic, partition, self.from)?,
            };
            positions.insert(partition, begin);
            ends.insert(partition, end);
            led.entry(leader).or_default().push(partition);
        }
        let wait = FETCH_WAIT / led.len().max(1) as u32;
        loop {
            led.retain(|_, partitions| {
                partitions.retain(|partition| !self.exit || positions[partition] < ends[partition]);
                !partitions.is_empty()
            });
            if led.is_empty() || printer.is_done() || interrupt::wished() {
                return Ok(());
            }
            for (leader, partitions) in &mut led {
                self.read_once(cluster.at(leader)?, partitions, &mut positions, wait, &mut printer)?;
            }
        }
    }

    fn read_once(
        &self,
        client: &mut super::client::Client,
        partitions: &mut Vec<i32>,
        positions: &mut BTreeMap<i32, i64>,
        wait: Duration,
        printer: &mut Printer<impl Write>,
    ) -> Result<(), Failure> {
        let from: Vec<_> =
            partitions.iter().map(|partition| ((&*self.topic, *partition), positions[partition])).collect();
        client.begin_fetch(&from, wait)?;
        for (_, told) in client.end_fetch()? {
            let (place, offset) = ((&*self.topic, told.partition_index), positions[&told.partition_index]);
            check(told.error_code, None)
                .map_err(|failure| failure.about(format!("{}-{}, offset {offset}", place.0, place.1)))?;
            let next = printer.print(place, told.records.unwrap_or_default(), offset)?;
            // Nothing more is there, though offsets of removed records may be missing below the end.
            let over = next == offset && self.exit && told.high_watermark <= offset;
            positions.insert(place.1, if over { i64::MAX } else { next });
            if next > offset {
                // Who had something comes last.
                partitions.retain(|other| *other != place.1);
                partitions.push(place.1);
            }
        }
        Ok(())
    }
}
