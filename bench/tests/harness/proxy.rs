//! A broker at some distance: what clients send passes it after a delay.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) struct Proxy {
    address: String,
}

impl Proxy {
    /// Listens until the test's process ends.
    pub(crate) fn start(to: &str, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let to = to.to_owned();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // A broker that is gone closes its clients' connections.
                let Ok(far) = TcpStream::connect(&to) else { continue };
                let clone = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
                let (near_back, far_back) = (clone(&near), clone(&far));
                thread::spawn(move || pass(near, far, delay));
                thread::spawn(move || pass(far_back, near_back, Duration::ZERO));
            }
        });
        Self { address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// Passes on what comes, so long after it came, until either end closes.
fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    to.set_nodelay(true).expect("a socket's option");
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let due = Instant::now() + delay;
        // Sleep would be late by as much as the delay.
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // The other end may have closed first.
    let _ = to.shutdown(Shutdown::Write);
}
