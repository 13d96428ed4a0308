//! What every [`NetEnv`] must do: one suite, run against the simulated and the real one.
//!
//! Checks panic with the property that does not hold.

use std::{
    cell::RefCell, future::poll_fn, io::ErrorKind, net::SocketAddr, pin::pin, rc::Rc, task::Poll, time::Duration,
};

use bytes::{Bytes, BytesMut};
use corelog_storage::env::Lane;

use crate::{
    core::env::{Conn, Listener, NetEnv, Spread},
    timeout::within,
};

/// Longer than this, what was sent is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs every check on one core; returns how many there were.
pub async fn run<E: NetEnv>(env: &E) -> usize {
    let mut count = 0;
    macro_rules! check {
        ($($name:ident),+ $(,)?) => {$(
            $name(env).await;
            count += 1;
        )+};
    }
    check!(
        bytes_arrive_in_order_and_whole,
        chains_larger_than_any_buffer_arrive,
        both_directions_are_independent,
        the_end_is_seen_after_the_last_byte,
        an_early_end_fails_an_exact_receive,
        an_exact_receive_leaves_what_follows,
        large_and_small_frames_alternate,
        a_dropped_receive_loses_nothing,
        a_dropped_send_harms_nobody_else,
        shutdown_ends_a_pending_receive,
        nobody_listening_refuses,
        an_address_is_bound_once,
        a_closed_listener_refuses,
        both_ends_know_each_other,
        a_bell_is_heard_once_it_rang,
        an_unread_connection_makes_its_sender_wait,
        a_detached_connection_goes_on_with_what_it_received,
        what_is_left_of_a_detached_connection_does_no_harm,
        a_connection_nobody_attaches_is_closed,
    );
    count
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}

/// Two ends of a new connection.
async fn pair<E: NetEnv>(env: &E) -> (E::Conn, E::Conn) {
    let listener = env.listen(any_port(), Spread::ThisCore).await.expect("a free port");
    let near = env.connect(listener.local_addr()).await.expect("a connection");
    let far = listener.accept().await.expect("the connection's other end");
    (near, far)
}

fn pattern(len: usize, mark: u8) -> Bytes {
    (0..len).map(|index| mark.wrapping_add((index / 7) as u8)).collect::<Vec<u8>>().into()
}

async fn receive<C: Conn>(conn: &C, len: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < len {
        let bytes = conn.recv().await.expect("a receive").expect("bytes before the end");
        assert!(!bytes.is_empty(), "a receive returns something");
        all.extend_from_slice(&bytes);
    }
    all
}

fn send_aside<E: NetEnv>(env: &E, conn: &E::Conn, chain: Vec<Bytes>) {
    let conn = conn.clone();
    env.spawn(Lane::Latency, async move {
        let _ = conn.send(chain).await;
    });
}

async fn bytes_arrive_in_order_and_whole<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    for mark in 0..50 {
        near.send(vec![pattern(1 + usize::from(mark) * 13, mark)]).await.expect("a send");
    }
    for mark in 0..50 {
        let mut wanted = BytesMut::with_capacity(1 + usize::from(mark) * 13);
        wanted = far.recv_exact(wanted).await.expect("a whole message");
        assert_eq!(wanted, pattern(1 + usize::from(mark) * 13, mark), "message {mark}");
    }
}

async fn chains_larger_than_any_buffer_arrive<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    let chain: Vec<Bytes> = (0..300usize).map(|piece| pattern(piece * 97, piece as u8)).collect();
    let all = chain.concat();
    send_aside(env, &near, chain);
    assert_eq!(receive(&far, all.len()).await, all);
}

async fn both_directions_are_independent<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    let (there, back) = (pattern(300_000, 1), pattern(300_000, 2));
    send_aside(env, &near, vec![there.clone()]);
    send_aside(env, &far, vec![back.clone()]);
    assert_eq!(receive(&near, back.len()).await, back);
    assert_eq!(receive(&far, there.len()).await, there);
}

async fn the_end_is_seen_after_the_last_byte<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    near.send(vec![pattern(100, 3)]).await.expect("a send");
    drop(near);
    assert_eq!(receive(&far, 100).await, pattern(100, 3));
    assert!(far.recv().await.expect("an orderly end").is_none(), "the end");
    assert!(far.recv().await.expect("an orderly end").is_none(), "the end stays");
}

async fn an_early_end_fails_an_exact_receive<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    near.send(vec![pattern(100, 3)]).await.expect("a send");
    drop(near);
    let error = far.recv_exact(BytesMut::with_capacity(200)).await.expect_err("half a frame");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

async fn an_exact_receive_leaves_what_follows<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    near.send(vec![pattern(10, 1), pattern(20_000, 2), pattern(30, 3)]).await.expect("a send");
    assert_eq!(far.recv_exact(BytesMut::with_capacity(10)).await.expect("the first"), pattern(10, 1));
    assert_eq!(far.recv_exact(BytesMut::with_capacity(20_000)).await.expect("the second"), pattern(20_000, 2));
    assert_eq!(receive(&far, 30).await, pattern(30, 3));
}

async fn large_and_small_frames_alternate<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    let sizes = (0..60usize).map(|frame| if frame % 20 < 17 { 1 + frame } else { 70_000 + frame });
    let frames: Vec<Bytes> = sizes.map(|size| pattern(size, size as u8)).collect();
    send_aside(env, &near, frames.clone());
    let mut buffered = BytesMut::new();
    for frame in frames {
        if buffered.len() < frame.len() && frame.len() > 60_000 {
            let mut whole = BytesMut::with_capacity(frame.len());
            whole.extend_from_slice(&buffered.split());
            buffered = far.recv_exact(whole).await.expect("a large frame");
        }
        while buffered.len() < frame.len() {
            buffered.extend_from_slice(&far.recv().await.expect("a receive").expect("more"));
        }
        assert_eq!(buffered.split_to(frame.len()), frame);
    }
}

/// Polls a future once, then drops it.
async fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

async fn a_dropped_receive_loses_nothing<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    let mut got = Vec::new();
    for mark in 0..40 {
        if let Some(bytes) = poll_once(far.recv()).await {
            got.extend_from_slice(&bytes.expect("a receive").expect("not the end"));
        }
        near.send(vec![pattern(50, mark)]).await.expect("a send");
        if mark % 3 == 0 {
            env.sleep(Duration::from_micros(300)).await;
        }
    }
    got.extend(receive(&far, 40 * 50 - got.len()).await);
    let sent: Vec<u8> = (0..40).flat_map(|mark| pattern(50, mark)).collect();
    assert_eq!(got, sent);
}

async fn a_dropped_send_harms_nobody_else<E: NetEnv>(env: &E) {
    for mark in 0..20 {
        let (near, far) = pair(env).await;
        let _ = poll_once(near.send(vec![Bytes::from(vec![mark; 2_000_000])])).await;
        drop(near);
        while let Ok(Some(_)) = far.recv().await {}
    }
    bytes_arrive_in_order_and_whole(env).await;
}

async fn shutdown_ends_a_pending_receive<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    let ended = Rc::new(RefCell::new(false));
    env.spawn(Lane::Latency, {
        let (near, ended) = (near.clone(), ended.clone());
        async move {
            assert!(!matches!(near.recv().await, Ok(Some(_))), "nothing was sent");
            *ended.borrow_mut() = true;
        }
    });
    env.sleep(Duration::from_millis(1)).await;
    near.shutdown();
    assert!(!matches!(far.recv().await, Ok(Some(_))), "the other end learns of it");
    env.sleep(Duration::from_millis(1)).await;
    assert!(*ended.borrow(), "the pending receive ended");
    assert!(near.send(vec![pattern(10, 0)]).await.is_err(), "nothing can be sent any more");
}

async fn nobody_listening_refuses<E: NetEnv>(env: &E) {
    let listener = env.listen(any_port(), Spread::ThisCore).await.expect("a free port");
    let address = listener.local_addr();
    drop(listener);
    env.sleep(Duration::from_millis(1)).await;
    assert!(env.connect(address).await.is_err());
}

async fn an_address_is_bound_once<E: NetEnv>(env: &E) {
    let listener = env.listen(any_port(), Spread::ThisCore).await.expect("a free port");
    let again = env.listen(listener.local_addr(), Spread::ThisCore).await;
    assert_eq!(again.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
}

async fn a_closed_listener_refuses<E: NetEnv>(env: &E) {
    let listener = env.listen(any_port(), Spread::AllCores).await.expect("a free port");
    let address = listener.local_addr();
    let conn = env.connect(address).await.expect("a connection");
    let other = listener.accept().await.expect("its other end");
    drop(listener);
    env.sleep(Duration::from_millis(1)).await;
    conn.send(vec![pattern(10, 1)]).await.expect("what is accepted lives on");
    assert_eq!(receive(&other, 10).await, pattern(10, 1));
}

async fn both_ends_know_each_other<E: NetEnv>(env: &E) {
    let listener = env.listen(any_port(), Spread::ThisCore).await.expect("a free port");
    assert_ne!(listener.local_addr().port(), 0);
    let near = env.connect(listener.local_addr()).await.expect("a connection");
    let far = listener.accept().await.expect("its other end");
    assert_eq!(near.peer_addr(), listener.local_addr());
    assert_ne!(far.peer_addr(), listener.local_addr());
}

async fn a_bell_is_heard_once_it_rang<E: NetEnv>(env: &E) {
    env.notify(env.core());
    let heard = env.notified(0).await;
    assert!(heard > 0);
    env.sleep(Duration::from_millis(5)).await; // rings under way arrive
    let heard = poll_once(env.notified(0)).await.expect("it has rung");
    assert!(poll_once(env.notified(heard)).await.is_none(), "no ring, nothing heard");
    env.notify(env.core());
    env.notify(env.core());
    assert!(env.notified(heard).await > heard);
}

async fn an_unread_connection_makes_its_sender_wait<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    let sent = Rc::new(RefCell::new(0usize));
    env.spawn(Lane::Latency, {
        let sent = sent.clone();
        async move {
            let piece = Bytes::from(vec![1; 1 << 20]);
            for _ in 0..64 {
                if near.send(vec![piece.clone()]).await.is_err() {
                    break;
                }
                *sent.borrow_mut() += 1 << 20;
            }
        }
    });
    env.sleep(Duration::from_millis(50)).await;
    let _ = poll_once(far.recv()).await;
    env.sleep(Duration::from_millis(50)).await;
    assert!(*sent.borrow() < 32 << 20, "64 MiB went nowhere");
    drop(far);
}

/// Detached at all moments: with a receive under way, with bytes received that nobody asked for, with the end among them.
async fn a_detached_connection_goes_on_with_what_it_received<E: NetEnv>(env: &E) {
    let (near, mut far) = pair(env).await;
    let mut sent = Vec::new();
    let mut got = Vec::new();
    for mark in 0..60 {
        if mark % 2 == 0
            && let Some(bytes) = poll_once(far.recv()).await
        {
            got.extend_from_slice(&bytes.expect("a receive").expect("not the end"));
        }
        let piece = pattern(if mark % 10 == 9 { 20_000 } else { 50 }, mark);
        sent.extend_from_slice(&piece);
        near.send(vec![piece]).await.expect("a send");
        if mark % 3 == 0 {
            env.sleep(Duration::from_micros(300)).await;
        }
        far = env.attach(far.detach().await.expect("a sound connection")).expect("the connection");
        if mark % 20 == 11 {
            let mut exact = BytesMut::with_capacity(sent.len() - got.len());
            exact =
                within(env, PATIENCE, far.recv_exact(exact)).await.expect("nothing is lost").expect("what was sent");
            got.extend_from_slice(&exact);
        }
    }
    drop(near);
    env.sleep(Duration::from_millis(1)).await;
    far = env.attach(far.detach().await.expect("the end is no error")).expect("the connection");
    let rest = within(env, PATIENCE, receive(&far, sent.len() - got.len())).await;
    got.extend(rest.expect("nothing is lost"));
    assert_eq!(got, sent);
    assert!(far.recv().await.expect("an orderly end").is_none(), "the end");
}

async fn what_is_left_of_a_detached_connection_does_no_harm<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    let (peer, left) = (far.peer_addr(), far.clone());
    let moved = env.attach(far.detach().await.expect("a sound connection")).expect("the connection");
    left.shutdown();
    drop((left, far));
    env.sleep(Duration::from_millis(1)).await;
    assert_eq!(moved.peer_addr(), peer);
    near.send(vec![pattern(100, 1)]).await.expect("a send");
    assert_eq!(receive(&moved, 100).await, pattern(100, 1));
    moved.send(vec![pattern(100, 2)]).await.expect("a send");
    assert_eq!(receive(&near, 100).await, pattern(100, 2));
}

async fn a_connection_nobody_attaches_is_closed<E: NetEnv>(env: &E) {
    let (near, far) = pair(env).await;
    drop(far.detach().await.expect("a sound connection"));
    drop(far);
    assert!(near.recv().await.expect("an orderly end").is_none(), "the other end learns of it");
}
