//! What the metrics of one produce request cost its core, in nanoseconds: all that a request of one batch records, with
//! latencies as a busy broker has them.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a measurement, outside the environment")]

use std::{hint::black_box, time::Instant as Clock};

use corelog_broker::metrics::{CoreMetrics, Stage};
use corelog_storage::env::Instant;

const REQUESTS: u64 = 20_000_000;

fn main() {
    for on in [true, false] {
        let metrics = CoreMetrics::new(on);
        let mut random = 1_u64;
        let begun = Clock::now();
        for _ in 0..REQUESTS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (read, appended) = (Instant(random >> 40), Instant((random >> 40) + (random & 0xffff)));
            let answered = Instant(appended.0 + 200_000 + (random >> 44));
            request(black_box(&metrics), black_box(read), black_box(appended), black_box(answered));
        }
        let nanos = begun.elapsed().as_nanos() as f64 / REQUESTS as f64;
        println!("{}: {nanos:.1} ns for each request", if on { "on" } else { "off" });
    }
}

fn request(metrics: &CoreMetrics, read: Instant, appended: Instant, answered: Instant) {
    metrics.count(|counts| counts.received_bytes += 200);
    metrics.stage(Stage::Queue, read, appended);
    metrics.count(|counts| {
        counts.appended_records += 1;
        counts.appended_bytes += 168;
    });
    metrics.stage(Stage::Ack, appended, answered);
    metrics.answered(0, read, answered);
    metrics.stage(Stage::Socket, answered, answered);
    metrics.count(|counts| counts.sent_bytes += 60);
}
