//! The pages an operator's tools ask for: `/metrics`, `/healthz`, `/readyz`.

use corelog_storage::env::Instant;

use super::{
    board::Posted,
    exposition,
    health::{self, Verdict},
    http::Page,
};
use crate::core::process_figures::ProcessFigures;

/// The page at `path`, of a node of so many cores.
pub fn page(path: &str, posted: &Posted, now: Instant, cores: u16) -> Page {
    match path {
        "/metrics" => Page {
            status: "200 OK",
            content_type: exposition::CONTENT_TYPE,
            content: exposition::page(posted, now, cores, &ProcessFigures::read()),
        },
        "/healthz" => verdict(health::alive(posted, now)),
        "/readyz" => verdict(health::ready(posted, now, cores)),
        "/" => Page::text("200 OK", "corelog: /metrics /healthz /readyz\n"),
        _ => Page::text("404 Not Found", "there are /metrics, /healthz and /readyz\n"),
    }
}

fn verdict(verdict: Verdict) -> Page {
    let status = if verdict.well { "200 OK" } else { "503 Service Unavailable" };
    Page::text(status, format!("{}\n", verdict.text))
}
