//! Binding the listeners: one socket for all cores, or one for each.

use std::net::SocketAddr;

use crate::{
    config::{
        BrokerConfig,
        listener::{Advertises, ListenerConfig},
    },
    core::env::{Listener, NetEnv, Spread},
    net::listener::{ListenerKind, ListenerRef},
    serve::shared::Shared,
};

/// This core's part of every listener.
pub(super) async fn bind<E: NetEnv>(
    env: &E,
    config: &BrokerConfig,
    shared: &Shared,
) -> Result<Vec<(E::Listener, ListenerRef)>, String> {
    let mut bound = Vec::new();
    for (number, listener) in config.listeners.iter().enumerate() {
        let (kind, spread, offset) = match listener.advertises {
            Advertises::Node => (ListenerKind::Node, Spread::AllCores, 0),
            Advertises::Cores => (ListenerKind::Core(env.core()), Spread::ThisCore, env.core().0),
        };
        let mut at = address(listener)?;
        if at.port() != 0 {
            let port = at.port().checked_add(offset);
            at.set_port(port.ok_or_else(|| format!("{}: no port left for core {}", listener.name, env.core()))?);
        }
        let socket = env.listen(at, spread).await.map_err(|error| explain(listener, at, &error))?;
        shared.set_port(number, env.core(), socket.local_addr().port());
        bound.push((socket, ListenerRef { number, kind }));
    }
    Ok(bound)
}

/// The address to bind. Names were resolved before the cores started (`cli/serve.rs`).
fn address(listener: &ListenerConfig) -> Result<SocketAddr, String> {
    let host = if listener.bind.host.is_empty() { "0.0.0.0" } else { &listener.bind.host };
    let ip = host.parse().map_err(|_| format!("{}: {host} is not an address", listener.name))?;
    Ok(SocketAddr::new(ip, listener.bind.port))
}

fn explain(listener: &ListenerConfig, at: SocketAddr, error: &std::io::Error) -> String {
    let cure = match error.kind() {
        std::io::ErrorKind::AddrInUse => ": another process listens there; stop it, or choose another port by --listen",
        std::io::ErrorKind::PermissionDenied => ": ports below 1024 need a privilege; choose another by --listen",
        std::io::ErrorKind::AddrNotAvailable => ": this machine has no such address; choose another by --listen",
        _ => "",
    };
    format!("listener {} cannot bind {at} ({error}){cure}", listener.name)
}
