//! A node's figures as Prometheus reads them: its text format, version 0.0.4, base units, `_total` for what only grows.

use std::fmt::{Display, Write};

use corelog_storage::env::Instant;

use super::{
    Stage,
    board::Posted,
    health,
    latency::{BOUNDS_US, Times},
    snapshot::{CoreSnapshot, DirectoryFigures},
};
use crate::core::process_figures::ProcessFigures;

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A family of one value for each core: its name, its type, what it is, and the value.
type PerCore = (&'static str, &'static str, &'static str, fn(&CoreSnapshot) -> f64);

const PER_CORE: [PerCore; 24] = [
    ("core_cpu_seconds_total", COUNTER, "CPU time of the core's thread.", |core| core.cpu_seconds),
    (
        "core_sample_time_seconds",
        GAUGE,
        "When the core's figures were taken, by a clock of no particular start.",
        |core| core.taken.0 as f64 / 1e9,
    ),
    ("connections_accepted_total", COUNTER, "Connections accepted.", |core| core.counts.connections as f64),
    ("connections_taken_over_total", COUNTER, "Connections that came from another core.", |core| {
        core.counts.connections_taken_over as f64
    }),
    ("connections", GAUGE, "Connections open.", |core| core.connections as f64),
    ("fetch_sessions", GAUGE, "Fetch sessions open.", |core| core.fetch_sessions as f64),
    ("network_received_bytes_total", COUNTER, "Bytes received from clients.", |core| core.counts.received_bytes as f64),
    ("network_sent_bytes_total", COUNTER, "Bytes sent to clients.", |core| core.counts.sent_bytes as f64),
    ("produced_records_total", COUNTER, "Records that clients appended to the core's partitions.", |core| {
        core.counts.appended_records as f64
    }),
    ("produced_bytes_total", COUNTER, "Bytes of those records' batches.", |core| core.counts.appended_bytes as f64),
    (
        "fetch_looks_total",
        COUNTER,
        "Partitions of the core that fetches looked at, as something happened to them.",
        |core| core.counts.fetch_looks as f64,
    ),
    ("fetched_bytes_total", COUNTER, "Bytes of batches that were returned to clients of the core.", |core| {
        core.counts.fetched_bytes as f64
    }),
    ("journal_written_bytes_total", COUNTER, "Bytes of durable writes.", |core| core.counts.journal_bytes as f64),
    ("journal_used_bytes", GAUGE, "Bytes of the journal that may not be reused yet.", |core| core.journal.used as f64),
    ("journal_size_bytes", GAUGE, "Bytes that the journal's files hold.", |core| core.journal.size as f64),
    ("journal_backlog_bytes", GAUGE, "Bytes that wait in memory for their write.", |core| core.journal.backlog as f64),
    ("connection_memory_bytes", GAUGE, "Memory of requests received and responses not yet sent.", |core| {
        core.connection_memory as f64
    }),
    ("cached_bytes", GAUGE, "Newest records that are kept in memory.", |core| core.cached_bytes as f64),
    ("partitions", GAUGE, "Partitions that the core leads.", |core| core.partitions as f64),
    ("partitions_given_total", COUNTER, "Partitions that went from the core to another.", |core| {
        core.partitions_given as f64
    }),
    ("coordinators_loading", GAUGE, "Group coordinators that still read their groups.", |core| {
        core.coordinators_loading as f64
    }),
    (
        "connections_too_soon_total",
        COUNTER,
        "Connections closed because their address had made more lately than its quota allows.",
        |core| core.counts.connections_too_soon as f64,
    ),
    ("quota_meters", GAUGE, "Users and client ids whose use is metered for their quotas.", |core| {
        core.quota_meters as f64
    }),
    ("journal_writes_total", COUNTER, "Durable writes.", |core| core.stages[Stage::Journal as usize].count() as f64),
];

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";

/// The whole page.
pub fn page(posted: &Posted, now: Instant, cores: u16, process: &ProcessFigures) -> String {
    let mut text = Text::default();
    of_the_process(&mut text, process);
    text.family("corelog_build_info", GAUGE, "This build.");
    text.sample("corelog_build_info", &[("version", &env!("CARGO_PKG_VERSION"))], 1.0);
    text.family("corelog_ready", GAUGE, "1 when all cores serve and all groups are loaded.");
    text.sample("corelog_ready", &[], f64::from(u8::from(health::ready(posted, now, cores).well)));
    for (name, kind, help, value) in PER_CORE {
        let name = format!("corelog_{name}");
        text.family(&name, kind, help);
        for core in posted.cores.values() {
            text.sample(&name, &[("core", &core.core)], value(core));
        }
    }
    of_directories(&mut text, posted);
    of_what_went_wrong(&mut text, posted);
    text.family("corelog_stage_seconds", "histogram", "Where time goes: socket, queue, router, journal, ack.");
    for core in posted.cores.values() {
        for (stage, times) in Stage::ALL.into_iter().zip(&core.stages) {
            text.histogram("corelog_stage_seconds", &[("core", &core.core), ("stage", &stage.name())], times);
        }
    }
    text.family("corelog_request_seconds", "histogram", "From reading a request to its response, by API.");
    for core in posted.cores.values() {
        for (api, times) in &core.apis {
            text.histogram("corelog_request_seconds", &[("core", &core.core), ("api", api)], times);
        }
    }
    let name = "corelog_throttle_seconds";
    text.family(
        name,
        "histogram",
        "For how long connections were not read for their client's quota: produce, fetch, request.",
    );
    for core in posted.cores.values() {
        for (what, times) in &core.throttles {
            text.histogram(name, &[("core", &core.core), ("quota", &what.name())], times);
        }
    }
    text.0
}

fn of_the_process(text: &mut Text, process: &ProcessFigures) {
    let families = [
        ("process_cpu_seconds_total", COUNTER, "CPU time of the process.", process.cpu_seconds),
        ("process_resident_memory_bytes", GAUGE, "Memory that is resident.", process.resident_bytes),
        ("process_open_fds", GAUGE, "Open file descriptors.", process.open_files),
        ("process_max_fds", GAUGE, "File descriptors that may be open.", process.most_files),
        ("process_start_time_seconds", GAUGE, "When the process started, since 1970.", process.start_seconds),
    ];
    for (name, kind, help, value) in families {
        text.family(name, kind, help);
        text.sample(name, &[], value);
    }
}

/// A family of one value for each core and data directory.
type PerDirectory = (&'static str, &'static str, fn(&DirectoryFigures) -> f64);

const PER_DIRECTORY: [PerDirectory; 3] = [
    ("corelog_directory_online", "1 while the data directory is served.", |one| f64::from(u8::from(one.online))),
    ("corelog_directory_partitions", "Partitions in the data directory that the core leads.", |one| {
        one.partitions as f64
    }),
    ("corelog_directory_journal_used_bytes", "Bytes of the core's journal there that may not be reused yet.", |one| {
        one.journal.used as f64
    }),
];

fn of_directories(text: &mut Text, posted: &Posted) {
    for (name, help, value) in PER_DIRECTORY {
        text.family(name, GAUGE, help);
        for core in posted.cores.values() {
            for one in &core.directories {
                let path = escaped(&one.path);
                text.sample(name, &[("core", &core.core), ("directory", &path)], value(one));
            }
        }
    }
}

/// A path as the value of a label.
fn escaped(path: &str) -> String {
    path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn of_what_went_wrong(text: &mut Text, posted: &Posted) {
    let name = "corelog_refused_partitions_total";
    text.family(name, COUNTER, "Partitions of Produce and Fetch that were answered with an error.");
    for core in posted.cores.values() {
        for (api, code, count) in &core.errors {
            text.sample(name, &[("core", &core.core), ("api", api), ("error", &code.name())], *count as f64);
        }
    }
    let name = "corelog_bad_input_total";
    text.family(name, COUNTER, "What clients did wrong, each time; the log tells of it once in a while.");
    for core in posted.cores.values() {
        for (kind, count) in &core.complaints {
            let kind = format!("{kind:?}");
            text.sample(name, &[("core", &core.core), ("kind", &kind)], *count as f64);
        }
    }
}

/// The page as it grows.
#[derive(Default)]
struct Text(String);

/// Names and values. No value holds a quote, a backslash or a line's end: all are our own words, but paths, which are
/// [`escaped`].
type Labels<'a> = &'a [(&'static str, &'a dyn Display)];

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        self.name(name, labels, None);
        self.write(format_args!(" {value}\n"));
    }

    fn histogram(&mut self, name: &str, labels: Labels<'_>, times: &Times) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in BOUNDS_US.into_iter().zip(times.cumulative()) {
            self.name(&bucket, labels, Some(&(bound as f64 / 1e6)));
            self.write(format_args!(" {count}\n"));
        }
        self.name(&bucket, labels, Some(&"+Inf"));
        self.write(format_args!(" {}\n", times.count()));
        self.sample(&format!("{name}_sum"), labels, times.seconds());
        self.sample(&format!("{name}_count"), labels, times.count() as f64);
    }

    fn name(&mut self, name: &str, labels: Labels<'_>, bound: Option<&dyn Display>) {
        self.0.push_str(name);
        let all = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut open = '{';
        for (label, value) in all {
            self.write(format_args!("{open}{label}=\"{value}\""));
            open = ',';
        }
        if open == ',' {
            self.0.push('}');
        }
    }

    fn write(&mut self, what: std::fmt::Arguments<'_>) {
        self.0.write_fmt(what).expect("a string takes all");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use corelog_storage::journal::Usage;
    use corelog_wire::{api::ApiKey, error_code::ErrorCode};

    use super::*;
    use crate::{
        core::env::CoreId,
        metrics::{board::Life, latency::Latency},
        net::complaints::Complaint,
    };

    fn lines() -> Vec<String> {
        let produce = Latency::default();
        produce.record(Instant(0), Instant(150_000));
        produce.record(Instant(0), Instant(20_000_000_000));
        let mut core = CoreSnapshot::of_nothing(CoreId(3));
        core.apis = vec![(ApiKey::Produce, produce.copy())];
        core.errors = vec![(ApiKey::Fetch, ErrorCode::OffsetOutOfRange, 4)];
        core.complaints = vec![(Complaint::BadFrame, 2)];
        let journal = Usage { used: 5, size: 6, backlog: 7 };
        core.directories = vec![DirectoryFigures { path: "/a \"b\\c\"".into(), online: true, partitions: 3, journal }];
        let posted = Posted { life: Life::Serving, cores: [(core.core, Arc::new(core))].into() };
        let text = page(&posted, Instant(1), 1, &ProcessFigures::default());
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_histogram_is_cumulative_and_ends_in_its_count() {
        let lines = lines();
        let has = |line: &str| assert!(lines.iter().any(|other| other == line), "no line {line}");
        has("corelog_request_seconds_bucket{core=\"3\",api=\"Produce\",le=\"0.0001\"} 0");
        has("corelog_request_seconds_bucket{core=\"3\",api=\"Produce\",le=\"0.0002\"} 1");
        has("corelog_request_seconds_bucket{core=\"3\",api=\"Produce\",le=\"10\"} 1");
        has("corelog_request_seconds_bucket{core=\"3\",api=\"Produce\",le=\"+Inf\"} 2");
        has("corelog_request_seconds_sum{core=\"3\",api=\"Produce\"} 20.00015");
        has("corelog_request_seconds_count{core=\"3\",api=\"Produce\"} 2");
        has("corelog_refused_partitions_total{core=\"3\",api=\"Fetch\",error=\"OFFSET_OUT_OF_RANGE\"} 4");
        has("corelog_bad_input_total{core=\"3\",kind=\"BadFrame\"} 2");
        has(r#"corelog_directory_partitions{core="3",directory="/a \"b\\c\""} 3"#);
        has("corelog_ready 1");
    }

    #[test]
    fn every_sample_belongs_to_the_family_announced_before_it() {
        let mut family = (String::new(), String::new());
        let mut seen = std::collections::BTreeSet::new();
        for line in lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and a type");
                assert!(seen.insert(name.to_owned()), "{name} is announced twice");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
                family = (name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().expect("a name");
                let ending =
                    name.strip_prefix(family.0.as_str()).unwrap_or_else(|| panic!("{line} after {}", family.0));
                let right: &[&str] = if family.1 == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(right.contains(&ending), "{line}");
            }
        }
        assert!(seen.len() > 20);
    }
}
