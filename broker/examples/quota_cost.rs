//! What quotas cost a request, in nanoseconds: none, one that is not exceeded, one of time beside it. Without its second
//! look at the clock, which a quota of time needs for each step of a request: that is measured apart.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a measurement, outside the environment")]

use std::{hint::black_box, net::SocketAddr, rc::Rc, sync::Arc, time::Instant as Clock};

use corelog_broker::{
    api::RequestContext,
    core::env::CoreId,
    metadata::quota::{QuotaEntity, QuotaKey, QuotaName, QuotaValue, Quotas},
    net::{
        listener::{ListenerKind, ListenerRef},
        traffic::Traffic,
    },
    quota::{
        core_quotas::{CoreQuotas, Use},
        meter::Window,
        throttle::Throttle,
    },
};
use corelog_storage::env::Instant;

const REQUESTS: u64 = 20_000_000;

/// A request of a connection that asked nothing yet.
fn context() -> RequestContext {
    RequestContext {
        api_version: 9,
        correlation_id: 1,
        client_id: Some("a-client-of-ordinary-name".to_owned()),
        listener: ListenerRef { number: 0, kind: ListenerKind::Node },
        peer: SocketAddr::from(([127, 0, 0, 1], 9092)),
        principal: "User:ANONYMOUS".into(),
        traffic: Rc::new(Traffic::new(CoreId(0), None)),
        throttle: Rc::new(Throttle::default()),
    }
}

fn main() {
    let cases: [(&str, &[QuotaKey]); 3] = [
        ("no quotas", &[]),
        ("a quota of bytes", &[QuotaKey::ProducerByteRate]),
        ("quotas of bytes and time", &[QuotaKey::ProducerByteRate, QuotaKey::RequestPercentage]),
    ];
    for (name, keys) in cases {
        let entity = QuotaEntity { client_id: Some(QuotaName::Default), ..QuotaEntity::default() };
        let values = keys.iter().map(|key| (*key, QuotaValue::new(1e15))).collect();
        let quotas = CoreQuotas::new(Window::new(11, 1), 2);
        quotas.set(&Arc::new(if keys.is_empty() { Quotas::new() } else { [(entity, values)].into() }));
        let context = context();
        let begun = Clock::now();
        for request in 0..REQUESTS {
            // A request each 10 us.
            let now = Instant(1_000_000_000_000 + request * 10_000);
            black_box(quotas.spend(black_box(&context), Use::Produce, 200.0, now));
            black_box(quotas.spend(black_box(&context), Use::Request, 0.001, now));
        }
        println!("{name}: {:.1} ns for each request", begun.elapsed().as_nanos() as f64 / REQUESTS as f64);
    }
    let begun = Clock::now();
    for _ in 0..REQUESTS {
        black_box(Clock::now());
    }
    println!("a look at the clock: {:.1} ns", begun.elapsed().as_nanos() as f64 / REQUESTS as f64);
}
