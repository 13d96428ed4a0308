//! The real environment on real cores: what its interface promises, over both kernel paths.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the outside of the environment")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::mpsc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use corelog_broker::core::{
    env::{Conn, CoreId, Listener, NetEnv, Spread},
    launch::{CoreStart, Options, launch},
    mailbox::{Incoming, mesh},
};
use corelog_storage::env::{Env, Lane};

fn options(cores: u16, floor: bool) -> Options {
    Options { cores, floor, bind: false, signals: false, ..Options::default() }
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Echoes on every core until told to stop.
async fn echo(start: CoreStart, address: mpsc::Sender<(CoreId, SocketAddr)>) -> usize {
    let env = start.env.clone();
    let listener = env.listen(any_port(), Spread::AllCores).await.unwrap();
    start.rendezvous.meet(&env).await;
    address.send((env.core(), listener.local_addr())).unwrap();
    let served = std::rc::Rc::new(std::cell::Cell::new(0));
    env.spawn(Lane::Latency, {
        let (env, served) = (env.clone(), served.clone());
        async move {
            while let Ok(conn) = listener.accept().await {
                served.set(served.get() + 1);
                env.spawn(Lane::Latency, async move {
                    while let Ok(Some(bytes)) = conn.recv().await {
                        conn.send(vec![bytes]).await.unwrap();
                    }
                });
            }
        }
    });
    start.stop.requested(&env).await;
    served.get()
}

#[test]
fn a_hundred_connections_spread_evenly_and_are_answered() {
    for floor in [false, true] {
        let (send, receive) = mpsc::channel();
        let (stops, stop) = mpsc::channel();
        let node = std::thread::spawn(move || {
            launch(&options(4, floor), |_| {
                let (send, stops) = (send.clone(), stops.clone());
                move |start: CoreStart| {
                    stops.send(start.stop.clone()).unwrap();
                    echo(start, send)
                }
            })
            .unwrap()
        });
        let addresses: Vec<_> = (0..4).map(|_| receive.recv().unwrap().1).collect();
        assert!(addresses.iter().all(|address| *address == addresses[0]), "one shared socket");
        let mut streams: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(addresses[0]).unwrap()).collect();
        for (number, stream) in streams.iter_mut().enumerate() {
            let message = number.to_be_bytes();
            stream.write_all(&message).unwrap();
            let mut answer = [0; 8];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, message);
        }
        stop.recv().unwrap().request();
        let served = node.join().unwrap();
        assert_eq!(served.iter().sum::<usize>(), 100);
        assert!(served.iter().all(|count| (19..=31).contains(count)), "within 25 % of 25: {served:?}");
        let mut rest = Vec::new();
        assert_eq!(streams[0].read_to_end(&mut rest).unwrap(), 0, "a core that ended closes its connections");
    }
}

#[test]
fn chains_and_large_frames_arrive_whole() {
    for floor in [false, true] {
        let outcome = launch(&options(1, floor), |_| {
            |start: CoreStart| async move {
                let env = start.env;
                let listener = env.listen(any_port(), Spread::ThisCore).await.unwrap();
                let to = listener.local_addr();
                let chain: Vec<Bytes> =
                    (0..200usize).map(|piece| Bytes::from(vec![piece as u8; 1 + piece * 997])).collect();
                let all = chain.concat();
                env.spawn(Lane::Latency, {
                    let env = env.clone();
                    async move {
                        let conn = env.connect(to).await.unwrap();
                        conn.send(chain).await.unwrap();
                    }
                });
                let conn = listener.accept().await.unwrap();
                let head = conn.recv().await.unwrap().unwrap();
                let mut frame = BytesMut::with_capacity(all.len());
                frame.extend_from_slice(&head);
                let frame = conn.recv_exact(frame).await.unwrap();
                assert!(conn.recv().await.unwrap().is_none(), "the end");
                frame == all
            }
        });
        assert_eq!(outcome.unwrap(), [true]);
    }
}

#[test]
fn requests_between_cores_are_answered_in_order_with_few_credits() {
    for floor in [false, true] {
        let mut seats = mesh::<u64, u64>(3, 2).into_iter();
        let outcome = launch(&options(3, floor), |_| {
            let seat = seats.next().unwrap();
            move |start: CoreStart| async move {
                let env = start.env.clone();
                let mailbox = seat.open(&env);
                env.spawn(Lane::Latency, {
                    let mailbox = mailbox.clone();
                    async move {
                        let mut last = [0; 3];
                        loop {
                            match mailbox.receive().await {
                                Incoming::Request(caller, number) => {
                                    let from = usize::from(caller.core().0);
                                    assert!(number > last[from], "in order");
                                    last[from] = number;
                                    mailbox.reply(caller, number * 2);
                                }
                                Incoming::Note(..) => unreachable!(),
                            }
                        }
                    }
                });
                let mut pending = std::collections::VecDeque::new();
                for number in 1..=1000u64 {
                    for to in (0..3).map(CoreId).filter(|to| *to != env.core()) {
                        pending.push_back((number, mailbox.submit(to, number).await.unwrap()));
                    }
                    if pending.len() > 10 {
                        let (number, answer) = pending.pop_front().unwrap();
                        assert_eq!(answer.await, Ok(number * 2));
                    }
                }
                for (number, answer) in pending {
                    assert_eq!(answer.await, Ok(number * 2));
                }
                start.rendezvous.meet(&env).await;
                true
            }
        });
        assert_eq!(outcome.unwrap(), [true; 3]);
    }
}

#[test]
fn sleeps_end_in_order_and_a_past_deadline_gives_way() {
    let outcome = launch(&options(1, false), |_| {
        |start: CoreStart| async move {
            let env = start.env;
            let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
            for millis in [30, 10, 20] {
                let (env, order) = (env.clone(), order.clone());
                env.clone().spawn(Lane::Background, async move {
                    env.sleep(Duration::from_millis(millis)).await;
                    order.borrow_mut().push(millis);
                });
            }
            let begun = env.now();
            for _ in 0..1000 {
                env.sleep(Duration::ZERO).await;
            }
            assert!(env.now().since(begun) < Duration::from_millis(500));
            env.sleep(Duration::from_millis(60)).await;
            order.take()
        }
    });
    assert_eq!(outcome.unwrap(), [vec![10, 20, 30]]);
}
