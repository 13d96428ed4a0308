//! `corelog dump`: what the files of a stopped broker hold. Only reads; nothing is recovered or repaired.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use corelog_storage::{
    ids::LogId,
    journal::dump::{DumpedFrame, frames},
    log::dump::{DumpedBatch, batches},
    shard::{
        ShardId,
        dump::{self, DumpedLog},
    },
};
use corelog_wire::uuid;
use serde_json::{Value, json};

use super::{failure::Failure, output::Output, table::Table, when};
use crate::{
    core::{
        RingEnv,
        data_dir::DataDir,
        launch::{CoreStart, Options, launch},
    },
    metadata::{
        ids::METADATA_LOG,
        image::ClusterImage,
        quota::{QuotaEntityKind, QuotaName},
        replay::Replay,
    },
};

#[derive(Subcommand)]
pub(super) enum Dump {
    /// A core's journal: its frames, and their records.
    Journal {
        #[command(flatten)]
        place: Place,
        /// Prints the records too.
        #[arg(long)]
        records: bool,
        #[command(flatten)]
        how: How,
    },
    /// A segment: its batches, and their records.
    Segment {
        /// The file, such as corelog-data/logs/ID/00000000000000000000.log.
        file: PathBuf,
        /// Prints the records too.
        #[arg(long)]
        records: bool,
        #[command(flatten)]
        how: How,
    },
    /// A core's checkpoint: its logs, their segments and offsets.
    Checkpoint {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        how: How,
    },
    /// What a data directory says of itself: which one it is, whose, and where the others were.
    Directory {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        how: How,
    },
    /// The cluster's metadata, from the directory that holds it: topics, partitions, configurations, quotas.
    Metadata {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        how: How,
    },
}

/// Where to look.
#[derive(Args, Clone)]
pub(super) struct Place {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "corelog-data")]
    data_dir: PathBuf,
    /// The core whose files they are.
    #[arg(long, value_name = "N", default_value_t = 0)]
    core: u16,
}

#[derive(Args, Clone, Copy)]
pub(super) struct How {
    /// Answers in JSON: an object on each line for frames and batches, else one object.
    #[arg(long)]
    json: bool,
}

impl How {
    fn output(self) -> Output {
        Output { json: self.json }
    }
}

impl Dump {
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(dir) = self.data_dir()
            && let Some(process) = DataDir::holder_of(&dir)
        {
            let dir = dir.display();
            return Err(format!("{dir} is in use by process {process}: stop the broker first").into());
        }
        let options = Options { cores: 1, bind: false, signals: false, ..Options::default() };
        let mut task = Some(self);
        let done = launch(&options, |_| {
            let task = task.take().expect("there is one core");
            move |start: CoreStart| async move { task.perform(&start.env).await }
        });
        done.map_err(|error| error.to_string())?.pop().expect("the core has returned").map_err(Failure::from)
    }

    /// The directory that the files lie in, as far as that can be told.
    fn data_dir(&self) -> Option<PathBuf> {
        match self {
            Self::Journal { place, .. }
            | Self::Checkpoint { place, .. }
            | Self::Directory { place, .. }
            | Self::Metadata { place, .. } => Some(place.data_dir.clone()),
            Self::Segment { file, .. } => file.ancestors().nth(3).map(Path::to_owned),
        }
    }

    async fn perform(self, env: &RingEnv) -> Result<(), String> {
        match self {
            Self::Journal { place, records, how } => {
                let dir = dump::shard_dir(&place.data_dir, ShardId(place.core));
                let print = |frame| {
                    print_frame(&frame, records, how);
                    true
                };
                frames(env, &dir, print).await.map_err(|error| error.to_string())
            }
            Self::Segment { file, records, how } => segment(env, &file, records, how).await,
            Self::Checkpoint { place, how } => checkpoint(env, &place, how.output()).await,
            Self::Directory { place, how } => directory(env, &place, how.output()).await,
            Self::Metadata { place, how } => metadata(env, &place, how.output()).await,
        }
    }
}

fn print_frame(frame: &DumpedFrame, records: bool, how: How) {
    let last = frame.first + frame.records.len() as u64;
    if how.json {
        let record = |r: &corelog_storage::journal::dump::DumpedRecord| json!({ "sequence": r.sequence, "kind": r.kind, "says": dump::describe(r.kind, &r.payload) });
        let records: Value = if records { frame.records.iter().map(record).collect() } else { Value::Null };
        let line = json!({
            "file": frame.file, "position": frame.position, "lsn": frame.lsn, "bytes": frame.bytes,
            "first": frame.first, "count": frame.records.len(), "known_durable": frame.known_durable,
            "incarnation": format!("{:016x}", frame.incarnation), "follows": frame.follows, "records": records,
        });
        return println!("{line}");
    }
    let gap = if frame.follows { "" } else { "  (does not follow: of an earlier round, or after a gap)" };
    let what = match frame.records.len() {
        0 => "closing".to_owned(),
        _ => format!("records {} to {}", frame.first, last - 1),
    };
    let (file, position, lsn, bytes) = (&frame.file, frame.position, frame.lsn, frame.bytes);
    println!("{file} at {position}: lsn {lsn}, {bytes} bytes, {what}, durable before {}{gap}", frame.known_durable);
    for record in frame.records.iter().filter(|_| records) {
        println!("    {:>10}  {}", record.sequence, dump::describe(record.kind, &record.payload));
    }
}

async fn segment(env: &RingEnv, file: &Path, records: bool, how: How) -> Result<(), String> {
    let mut damaged = 0;
    let print = |batch: DumpedBatch| {
        damaged += usize::from(!batch.intact);
        print_batch(&batch, records, how);
        true
    };
    let (log, end) = batches(env, file, print).await.map_err(|error| error.to_string())?;
    if !how.json {
        println!("log {log}: batches end at {end}");
    }
    match damaged {
        0 => Ok(()),
        count => Err(format!("{count} batch(es) are damaged")),
    }
}

fn print_batch(batch: &DumpedBatch, records: bool, how: How) {
    let header = &batch.header;
    let (base, last) = (header.base_offset.0, header.last_offset().0);
    let codec = header.codec().map_or("?".to_owned(), |codec| format!("{codec:?}").to_lowercase());
    if how.json {
        let line = json!({
            "position": batch.position, "bytes": header.size, "base_offset": base, "last_offset": last,
            "records": header.records, "leader_epoch": header.leader_epoch.0, "codec": codec,
            "max_timestamp": header.max_timestamp.0, "producer_id": header.producer_id.0,
            "producer_epoch": header.producer_epoch.0, "base_sequence": header.base_sequence,
            "control": header.is_control(), "transactional": header.is_transactional(), "intact": batch.intact,
        });
        println!("{line}");
    } else {
        let damage = if batch.intact { "" } else { ", DAMAGED: its checksum does not hold" };
        let producer = match header.producer_id.0 {
            -1 => String::new(),
            id => format!(", producer {id} epoch {} sequence {}", header.producer_epoch.0, header.base_sequence),
        };
        println!(
            "{:>10}: offsets {base} to {last}, {} bytes, {} record(s), {codec}, epoch {}, {}{producer}{damage}",
            batch.position,
            header.size,
            header.records,
            header.leader_epoch.0,
            when::print(header.max_timestamp.0)
        );
    }
    if records && batch.intact && !header.is_control() {
        let output = std::io::stdout().lock();
        let format = if how.json { super::printer::Format::Json } else { super::printer::Format::Full };
        let mut printer = super::printer::Printer { format, key_separator: None, left: u64::MAX, output };
        if let Err(failure) = printer.print(("", 0), batch.bytes.clone(), base) {
            println!("    {failure}");
        }
    }
}

async fn checkpoint(env: &RingEnv, place: &Place, output: Output) -> Result<(), String> {
    let mut logs: Vec<DumpedLog> = Vec::new();
    let head = dump::checkpoint(env, &place.data_dir, ShardId(place.core), |log| logs.push(log)).await;
    let Some(head) = head.map_err(|error| error.to_string())? else {
        let dir = dump::shard_dir(&place.data_dir, ShardId(place.core));
        return Err(format!("{} has no checkpoint", dir.display()));
    };
    let mut parts = output.parts();
    let (file, lsn, sequence) = (head.journal_file, head.journal_lsn, head.journal_sequence);
    let told = format!("replay starts in journal-{file:05} at lsn {lsn}, with record {sequence}");
    let facts = [("journal_file", json!(file)), ("journal_lsn", json!(lsn)), ("journal_sequence", json!(sequence))];
    parts.line(&told, facts);
    let mut table =
        Table::new(["LOG", "NUMBER", "START", "IN SEGMENTS", "END", "SEGMENTS", "BYTES", "EPOCH", "PRODUCERS"]);
    for log in &logs {
        let bytes: i64 = log.segments.iter().map(|segment| i64::from(segment.2)).sum();
        let epoch = log.epochs.last().map(|epoch| epoch.0);
        table.push([
            log.id.to_string().into(),
            i64::from(log.number).into(),
            log.start.into(),
            log.flushed_end.into(),
            log.end.into(),
            log.segments.len().into(),
            bytes.into(),
            epoch.into(),
            log.producers.into(),
        ]);
    }
    parts.table("logs", &table, true);
    let mut deleted = Table::new(["DELETED, FILES MAY BE THERE"]);
    head.deleted.iter().for_each(|id: &LogId| deleted.push([id.to_string().into()]));
    parts.table("deleted", &deleted, true);
    parts.show();
    Ok(())
}

async fn directory(env: &RingEnv, place: &Place, output: Output) -> Result<(), String> {
    let found = corelog_storage::directory::look(env, &place.data_dir).await.map_err(|error| error.to_string())?;
    let Some(identity) = found.identity else {
        let dir = place.data_dir.display();
        return Err(format!("{dir} says nothing of itself: it is a broker's only data directory, or none's"));
    };
    let mut parts = output.parts();
    let (id, cluster, node) = (uuid::Uuid(identity.id), uuid::Uuid(identity.cluster), identity.node);
    let holds = identity.others.is_some();
    let with = if holds { ", with the cluster's metadata" } else { "" };
    let told = format!("directory {id} of node {node}, cluster {cluster}{with}");
    let facts = [
        ("directory", json!(id.to_string())),
        ("node", json!(node)),
        ("cluster", json!(cluster.to_string())),
        ("holds_metadata", json!(holds)),
    ];
    parts.line(&told, facts);
    let mut others = Table::new(["OTHER DIRECTORY", "LAST AT"]);
    for other in identity.others.iter().flatten() {
        others.push([uuid::Uuid(other.id).to_string().into(), other.path.display().to_string().into()]);
    }
    parts.table("others", &others, true);
    parts.show();
    Ok(())
}

async fn metadata(env: &RingEnv, place: &Place, output: Output) -> Result<(), String> {
    let found = dump::log(env, &place.data_dir, ShardId(place.core), METADATA_LOG).await;
    let mut replay = Replay::default();
    for batch in found.map_err(|error| error.to_string())? {
        replay.take(batch).map_err(|error| error.to_string())?;
    }
    let (image, _) = replay.finish();
    let mut parts = output.parts();
    let cluster = image.cluster_id().map_or("-".to_owned(), |id| id.to_string());
    let (version, count) = (image.version().0, image.topic_count());
    let told = format!("cluster {cluster}, version {version}, {count} topic(s)");
    parts.line(&told, [("cluster", json!(cluster)), ("version", json!(version)), ("topic_count", json!(count))]);
    let mut topics = Table::new(["TOPIC", "ID", "PARTITION", "LEADER", "CORE", "DIRECTORY", "EPOCH", "IN SYNC"]);
    let mut configs = Table::new(["CONFIGURED", "KEY", "VALUE"]);
    for topic in image.topics() {
        for state in &topic.partitions {
            let in_sync: Vec<_> = state.isr.iter().map(|node| node.0.to_string()).collect();
            topics.push([
                (*topic.name).into(),
                uuid::Uuid(topic.id.0).to_string().into(),
                state.index.0.into(),
                state.leader.map(|node| node.0).into(),
                state.leader_core().map(|(_, core)| i32::from(core.0)).into(),
                state
                    .leader
                    .and_then(|node| state.directory_on(node))
                    .map_or("-".to_owned(), |id| id.to_string())
                    .into(),
                state.leader_epoch.0.into(),
                in_sync.join(",").into(),
            ]);
        }
        for (key, value) in &topic.configs {
            configs.push([(*topic.name).into(), key.as_str().into(), value.as_str().into()]);
        }
    }
    parts.table("partitions", &topics, true);
    parts.table("configs", &configs, true);
    parts.table("quotas", &quotas(&image), true);
    parts.show();
    Ok(())
}

fn quotas(image: &ClusterImage) -> Table<3> {
    let mut quotas = Table::new(["QUOTA OF", "KEY", "VALUE"]);
    for (entity, values) in &**image.quotas() {
        let part = |(kind, name): (QuotaEntityKind, &QuotaName)| match name {
            QuotaName::Default => format!("any {}", kind.name()),
            QuotaName::Named(name) => format!("{} {name}", kind.name()),
        };
        let of: Vec<String> = entity.parts().map(part).collect();
        for (key, value) in values {
            quotas.push([of.join(", ").into(), key.name().into(), value.get().to_string().into()]);
        }
    }
    quotas
}
