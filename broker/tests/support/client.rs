//! A raw client of a simulated node.

#![allow(dead_code, reason = "each binary of tests uses its part")]

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use corelog_broker::{
    core::env::{Conn, NetEnv},
    sim::{SimConn, SimNetEnv},
};
use corelog_wire::{Decoder, Message, Request, frame, header::ResponseHeader};

/// A client's connection: frames out, frames in.
pub(crate) struct Client {
    pub(crate) conn: SimConn,
    received: BytesMut,
}

impl Client {
    pub(crate) async fn connect(env: &SimNetEnv, at: SocketAddr) -> Self {
        Self::try_connect(env, at).await.unwrap()
    }

    pub(crate) async fn try_connect(env: &SimNetEnv, at: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { conn: env.connect(at).await?, received: BytesMut::new() })
    }

    pub(crate) async fn at_port(env: &SimNetEnv, port: u16) -> Self {
        Self::connect(env, SocketAddr::new([10, 0, 0, 0].into(), port)).await
    }

    pub(crate) async fn send(&self, bytes: Bytes) {
        self.conn.send(vec![bytes]).await.unwrap();
    }

    /// The next frame; `None` when the broker closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Bytes> {
        loop {
            if let Some(prefix) = self.received.first_chunk::<4>() {
                let length = i32::from_be_bytes(*prefix) as usize;
                if self.received.len() >= 4 + length {
                    let mut frame = self.received.split_to(4 + length).freeze();
                    return Some(frame.split_off(4));
                }
            }
            match self.conn.recv().await {
                Ok(Some(bytes)) => self.received.extend_from_slice(&bytes),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    pub(crate) async fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        self.try_call(version, request).await.expect("an answer")
    }

    /// `None` when the broker closed the connection.
    pub(crate) async fn try_call<Q: Request>(&mut self, version: i16, request: &Q) -> Option<Q::Response> {
        self.conn.send(vec![frame::request(version, 5, Some("test"), request).unwrap()]).await.ok()?;
        Some(answer::<Q>(version, &self.receive().await?).1)
    }
}

pub(crate) fn answer<Q: Request>(version: i16, frame: &Bytes) -> (i32, Q::Response) {
    let mut decoder = Decoder::new(frame);
    let header = ResponseHeader::decode(Q::KEY, version, &mut decoder).unwrap();
    (header.correlation_id, Q::Response::decode(&mut decoder, version).unwrap())
}
