//! Reads a topic from its beginning as fast as it comes, checking what it reads.

use crate::client::{self, Connection};
use crate::error::{Result, accept};
use crate::payload::Stamp;
use crate::process::Meter;
use crate::report::Report;
use crate::verify::verify;
use crate::{batch, produce};

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    /// How the topic is written first.
    #[command(flatten)]
    write: produce::Options,
    /// The most bytes of one answer.
    #[arg(long, default_value_t = 1 << 20)]
    fetch: i32,
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let target = &options.write.target;
    let written = produce::write(&options.write)?;
    let mut ends: Vec<(i32, i64)> = (0..options.write.partitions).map(|partition| (partition, 0)).collect();
    for ack in &written.acks {
        let end = &mut ends[ack.partition as usize].1;
        *end = (*end).max(ack.base_offset + i64::from(ack.count));
    }
    let mut connection = Connection::open(&target.broker)?;
    let (mut requests, mut records, mut bytes) = (0, 0_u64, 0);
    let meter = Meter::start(target)?;
    for (partition, end) in ends {
        let mut next = 0;
        while next < end {
            let request = client::fetch_request(&written.topic, &[(partition, next)], 500, options.fetch);
            let response = connection.call(client::FETCH, &request)?;
            requests += 1;
            for part in client::fetched(&response) {
                accept("Fetch", part.error_code)?;
                let batches = part.records.clone().unwrap_or_default();
                bytes += batches.len() as u64;
                next = batch::walk(&batches, next, |_, value| {
                    records += 1;
                    Stamp::read(value).map(drop)
                })?;
            }
        }
    }
    let cost = meter.stop()?;
    let verified = verify(&target.broker, &written.topic, written.acks)?;
    let mut report = Report::new("consume");
    report.number("fetch_bytes", f64::from(options.fetch));
    report.number("records", records as f64);
    report.number("mb_per_s", bytes as f64 / 1e6 / cost.elapsed.as_secs_f64());
    cost.report(&mut report, requests, bytes);
    report.number("records_verified", verified as f64);
    Ok(report)
}
