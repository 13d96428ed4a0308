//! Telling a service manager how far the process is: systemd's notification protocol, for units of `Type=notify`.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

/// What the service manager is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// Clients are served.
    Ready,
    /// It ends.
    Stopping,
}

/// Tells whoever started this process, if he wants to know: then `NOTIFY_SOCKET` names his socket. Does not block.
pub fn tell(news: News) {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else { return };
    let text = match news {
        News::Ready => "READY=1\nSTATUS=serving",
        News::Stopping => "STOPPING=1\nSTATUS=stopping",
    };
    if let Err(error) = send(name.as_bytes(), text) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

fn send(name: &[u8], text: &str) -> io::Result<()> {
    let address = match name {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(text.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_arrive_at_named_and_abstract_sockets() {
        let path = env::temp_dir().join(format!("corelog-notify-{}", std::process::id()));
        let named = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str().as_bytes(), "READY=1").unwrap();
        std::fs::remove_file(&path).unwrap();
        let name = format!("corelog-notify-{}", std::process::id());
        let hidden = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(format!("@{name}").as_bytes(), "STOPPING=1").unwrap();
        let mut buffer = [0; 32];
        let mut heard = |socket: &UnixDatagram| {
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        assert_eq!((heard(&named).as_str(), heard(&hidden).as_str()), ("READY=1", "STOPPING=1"));
    }
}
