//! Binding the listeners: one socket for all cores, or one for each.

use std::{io, net::SocketAddr};

use crate::{
    config::{
        BrokerConfig,
        listener::{Advertises, ListenerConfig},
    },
    core::env::{Listener, NetEnv, Spread},
    limits::{BIND_PATIENCE, BIND_POLL},
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
        let socket = listen(env, at, spread).await.map_err(|error| explain(listener, at, &error))?;
        shared.set_port(number, env.core(), socket.local_addr().port());
        bound.push((socket, ListenerRef { number, kind }));
    }
    Ok(bound)
}

/// Listens at `at`, if it becomes free in time: a killed broker's sockets live on until the kernel, in the background, has
/// taken its rings apart, and whoever supervises it starts the next one at once.
async fn listen<E: NetEnv>(env: &E, at: SocketAddr, spread: Spread) -> io::Result<E::Listener> {
    let deadline = env.now().after(BIND_PATIENCE);
    loop {
        match env.listen(at, spread).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && env.now() < deadline => {
                tracing::debug!(%at, "the address is in use; it may be a killed broker's");
                env.sleep(BIND_POLL).await;
            }
            outcome => return outcome,
        }
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use corelog_storage::{
        env::{Env, Lane},
        sim::{Place, World},
    };

    use super::*;
    use crate::sim::Network;

    /// Binds while another holds the address for `held`; the outcome and how long it took.
    fn bind_while_held(held: Duration) -> (io::Result<()>, Duration) {
        let world = World::new(5);
        let network = Network::new(&world);
        let env = network.start(Place::FIRST.host, 1).remove(0);
        let work = async move {
            let at = "127.0.0.1:9092".parse().unwrap();
            let other = env.listen(at, Spread::ThisCore).await.unwrap();
            let begun = env.now();
            let holder = env.clone();
            env.spawn(Lane::Latency, async move {
                holder.sleep(held).await;
                drop(other);
            });
            let outcome = listen(&env, at, Spread::ThisCore).await.map(drop);
            (outcome, env.now().since(begun))
        };
        world.block_on(Place::FIRST, work).expect("it ends")
    }

    #[test]
    fn an_address_that_becomes_free_is_bound() {
        let (outcome, took) = bind_while_held(Duration::from_secs(2));
        assert!(outcome.is_ok() && took >= Duration::from_secs(2), "{outcome:?} after {took:?}");
    }

    #[test]
    fn an_address_that_stays_taken_is_an_error_in_the_end() {
        let (outcome, took) = bind_while_held(BIND_PATIENCE * 2);
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(took >= BIND_PATIENCE && took < BIND_PATIENCE * 2);
    }
}
