//! Internet addresses as the kernel writes them.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::RawFd,
};

/// Room for any socket address, and how much of it is used.
#[repr(C)]
pub(super) struct SocketAddress {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl SocketAddress {
    /// Empty room for the kernel to write to.
    fn room() -> Self {
        // SAFETY: a struct of integers, of which zeroes are valid.
        let storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        Self { storage, len: size_of::<libc::sockaddr_storage>() as libc::socklen_t }
    }

    /// The other end of a connected socket.
    pub(super) fn of_peer(socket: RawFd) -> io::Result<SocketAddr> {
        let mut room = Self::room();
        // SAFETY: writes within the room it is told of.
        let outcome = unsafe { libc::getpeername(socket, (&raw mut room.storage).cast(), &raw mut room.len) };
        if outcome != 0 {
            return Err(io::Error::last_os_error());
        }
        room.read().ok_or_else(|| io::Error::other("a peer whose address is no internet address"))
    }

    pub(super) fn pointer(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub(super) fn len(&self) -> libc::socklen_t {
        self.len
    }

    /// What is there, if it is an internet address. IPv4 in IPv6 is shown as IPv4.
    fn read(&self) -> Option<SocketAddr> {
        let storage = &raw const self.storage;
        match i32::from(self.storage.ss_family) {
            libc::AF_INET => {
                // SAFETY: the family says which of the layouts the storage holds.
                let found = unsafe { &*storage.cast::<libc::sockaddr_in>() };
                let ip = Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr));
                Some(SocketAddrV4::new(ip, u16::from_be(found.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: as above.
                let found = unsafe { &*storage.cast::<libc::sockaddr_in6>() };
                let (ip, port) = (Ipv6Addr::from(found.sin6_addr.s6_addr), u16::from_be(found.sin6_port));
                Some(match ip.to_ipv4_mapped() {
                    Some(ip) => SocketAddrV4::new(ip, port).into(),
                    None => SocketAddrV6::new(ip, port, found.sin6_flowinfo, found.sin6_scope_id).into(),
                })
            }
            _ => None,
        }
    }
}

impl From<SocketAddr> for SocketAddress {
    fn from(address: SocketAddr) -> Self {
        let mut this = Self::room();
        match address {
            SocketAddr::V4(v4) => {
                let target = (&raw mut this.storage).cast::<libc::sockaddr_in>();
                let value = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from(*v4.ip()).to_be() },
                    sin_zero: [0; 8],
                };
                // SAFETY: the storage has room and alignment for every kind of address.
                unsafe { target.write(value) };
                this.len = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            }
            SocketAddr::V6(v6) => {
                let target = (&raw mut this.storage).cast::<libc::sockaddr_in6>();
                let value = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                    sin6_scope_id: v6.scope_id(),
                };
                // SAFETY: as above.
                unsafe { target.write(value) };
                this.len = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
            }
        }
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back_as_it_went() {
        for text in ["127.0.0.1:9092", "[::1]:9092", "[2001:db8::7]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(SocketAddress::from(address).read(), Some(address));
        }
        let mapped: SocketAddr = "[::ffff:10.0.0.1]:80".parse().unwrap();
        assert_eq!(SocketAddress::from(mapped).read(), Some("10.0.0.1:80".parse().unwrap()));
    }
}
