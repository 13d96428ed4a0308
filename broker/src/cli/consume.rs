//! `corelog consume`: prints one partition's records, or as a member of a group its share of all.

use std::{io::stdout, time::Duration};

use clap::{Args, ValueEnum};

use super::{
    cluster::Cluster,
    failure::{Failure, check},
    group,
    printer::Printer,
};

/// How long a fetch may wait for records.
pub(super) const FETCH_WAIT: Duration = Duration::from_millis(500);

#[derive(Args)]
#[group(id = "consume-options")]
pub(super) struct Consume {
    /// The topic.
    topic: String,
    /// The partition.
    #[arg(long, short, default_value_t = 0)]
    partition: i32,
    /// Reads all partitions, shared with the other members of this group, from where the group left off.
    #[arg(long, short, value_name = "NAME", conflicts_with_all = ["partition", "offset"])]
    group: Option<String>,
    /// Where to begin: a partition without --offset, or one of which the group has committed nothing.
    #[arg(long, value_enum, default_value_t = Edge::Earliest, conflicts_with = "offset")]
    from: Edge,
    /// The first offset to print.
    #[arg(long, value_name = "N")]
    offset: Option<i64>,
    /// Ends when all that was there is printed.
    #[arg(long, short)]
    exit: bool,
    /// Prints keys before values, with this text between.
    #[arg(long, value_name = "TEXT")]
    key_separator: Option<String>,
}

/// An end of a log.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Edge {
    /// The first record there is.
    Earliest,
    /// The next record to come.
    Latest,
}

impl Edge {
    /// The timestamp by which ListOffsets knows it.
    pub(super) fn timestamp(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
        }
    }
}

impl Consume {
    pub(super) fn run(self, broker: &str) -> Result<(), Failure> {
        let cluster = Cluster::through(broker)?;
        let printer = Printer { key_separator: self.key_separator.clone(), output: stdout().lock() };
        match self.group {
            Some(group) => {
                let wanted = group::consume::Wanted { group, topic: self.topic, from: self.from, exit: self.exit };
                group::consume::run(wanted, cluster, printer)
            }
            None => self.run_partition(cluster, printer),
        }
    }

    fn run_partition(self, mut cluster: Cluster, mut printer: Printer<impl std::io::Write>) -> Result<(), Failure> {
        let client = cluster.leader(&self.topic, self.partition, false)?;
        let mut offset = match self.offset {
            Some(offset) => offset,
            None => client.offset(&self.topic, self.partition, self.from.timestamp())?,
        };
        let end = client.offset(&self.topic, self.partition, Edge::Latest.timestamp())?;
        while !self.exit || offset < end {
            client.begin_fetch(&[((&self.topic, self.partition), offset)], FETCH_WAIT)?;
            let (_, told) = client.end_fetch()?.pop().ok_or("an answer without the partition")?;
            check(told.error_code, None)
                .map_err(|failure| failure.about(format!("{}-{}, offset {offset}", self.topic, self.partition)))?;
            let before = offset;
            offset = printer.print(told.records.unwrap_or_default(), offset)?;
            if self.exit && offset == before && told.high_watermark <= offset {
                break;
            }
        }
        Ok(())
    }
}
