//! Under load that keeps every processor busy, no core sleeps while it has work: a heartbeat asked for from outside is
//! answered in time, over sockets and by tasks that wake each other across cores.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the outside of the environment")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use corelog_broker::core::{
    env::{Conn, CoreId, Listener, NetEnv, Spread},
    launch::{CoreStart, Options, launch},
    mailbox::{Incoming, Mailbox, mesh},
};
use corelog_storage::env::{Env, Lane};

/// How long the load lasts; a soak sets CORELOG_LOAD_MS.
const LOAD: Duration = Duration::from_millis(700);
/// A core that slept with work to do wakes for the next timer or never; this is far beyond what a busy machine takes.
const TOO_LATE: Duration = Duration::from_secs(10);

/// Each message hops to the other core and back before it is echoed; background tasks compute all the while.
async fn serve(start: CoreStart, mailbox: Mailbox<u64, u64>, address: mpsc::Sender<SocketAddr>) {
    let env = start.env.clone();
    let listener = env.listen("127.0.0.1:0".parse().unwrap(), Spread::AllCores).await.unwrap();
    env.spawn(Lane::Latency, {
        let mailbox = mailbox.clone();
        async move {
            loop {
                if let Incoming::Request(caller, number) = mailbox.receive().await {
                    caller.reply(number + 1);
                }
            }
        }
    });
    env.spawn(Lane::Background, {
        let env = env.clone();
        async move {
            loop {
                let begun = env.now();
                while env.now().since(begun) < Duration::from_micros(200) {
                    std::hint::spin_loop();
                }
                env.sleep(Duration::ZERO).await;
            }
        }
    });
    start.rendezvous.meet(&env).await;
    address.send(listener.local_addr()).unwrap();
    env.spawn(Lane::Latency, {
        let env = env.clone();
        async move {
            while let Ok(conn) = listener.accept().await {
                let (env, mailbox) = (env.clone(), mailbox.clone());
                env.clone().spawn(Lane::Latency, async move {
                    let other = CoreId(1 - env.core().0);
                    while let Ok(Some(bytes)) = conn.recv().await {
                        for byte in bytes {
                            let answer = mailbox.call(other, byte.into()).await.unwrap();
                            conn.send(vec![vec![answer as u8].into()]).await.unwrap();
                        }
                    }
                });
            }
        }
    });
    start.stop.requested(&env).await;
    start.rendezvous.meet(&env).await;
}

#[test]
fn a_heartbeat_is_answered_in_time_on_both_kernel_paths() {
    let load = std::env::var("CORELOG_LOAD_MS").map_or(LOAD, |text| Duration::from_millis(text.parse().unwrap()));
    for floor in [false, true] {
        let (addresses, address) = mpsc::channel();
        let (stops, stop) = mpsc::channel();
        let node = std::thread::spawn(move || {
            let options = Options { cores: 2, floor, bind: true, signals: false, ..Options::default() };
            let mut seats = mesh(2, 4).into_iter();
            launch(&options, |_| {
                let (seat, addresses, stops) = (seats.next().unwrap(), addresses.clone(), stops.clone());
                move |start: CoreStart| async move {
                    stops.send(start.stop.clone()).unwrap();
                    let mailbox = seat.open(&start.env);
                    serve(start, mailbox, addresses).await;
                }
            })
            .unwrap();
        });
        let address = address.recv().unwrap();
        let (over, beats) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients: Vec<_> = (0..12u8)
            .map(|client| {
                let (over, beats) = (over.clone(), beats.clone());
                std::thread::spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    stream.set_read_timeout(Some(TOO_LATE)).unwrap();
                    let mut slowest = Duration::ZERO;
                    while !over.load(Ordering::Relaxed) {
                        let begun = Instant::now();
                        stream.write_all(&[client]).unwrap();
                        let mut answer = [0];
                        stream.read_exact(&mut answer).expect("an answer in time: no core sleeps with work to do");
                        assert_eq!(answer[0], client + 1);
                        beats.fetch_add(1, Ordering::Relaxed);
                        slowest = slowest.max(begun.elapsed());
                    }
                    slowest
                })
            })
            .collect();
        std::thread::sleep(load);
        over.store(true, Ordering::Relaxed);
        let slowest = clients.into_iter().map(|client| client.join().unwrap()).max().unwrap();
        let beats = beats.load(Ordering::Relaxed);
        println!("floor {floor}: {beats} heartbeats, the slowest {slowest:?}");
        assert!(beats > 100, "{beats} heartbeats");
        stop.recv().unwrap().request();
        node.join().unwrap();
    }
}
