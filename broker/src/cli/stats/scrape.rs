//! One page over HTTP.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use crate::cli::failure::Failure;

const PATIENCE: Duration = Duration::from_secs(5);
/// The longest page taken, in bytes.
const LONGEST: u64 = 64 << 20;

/// The content of the page at `path`.
pub(super) fn get(at: &str, path: &str) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let cure = "name the node's metrics.listener by --metrics, and see that it is not `none`";
        Failure::Link(format!("no metrics at {at} ({error}): {cure}"))
    };
    let address = at.to_socket_addrs().map_err(|error| failed(&error))?.next().ok_or_else(|| failed(&"no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| failed(&error))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| failed(&error))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| failed(&error))?;
    let mut response = Vec::new();
    stream.take(LONGEST).read_to_end(&mut response).map_err(|error| failed(&error))?;
    content(&response).map_err(|error| failed(&error))
}

/// What follows the head of a response, if that says that all is well.
fn content(response: &[u8]) -> Result<String, String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let end = match head.parse(response) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Err("the response was cut short".to_owned()),
        Err(error) => return Err(format!("not HTTP: {error}")),
    };
    match head.code {
        Some(200) => String::from_utf8(response[end..].to_vec()).map_err(|_| "not text".to_owned()),
        code => Err(format!("HTTP status {}", code.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_content_of_a_good_response_counts() {
        assert_eq!(content(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nx 1\n").as_deref(), Ok("x 1\n"));
        assert!(content(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err_and(|error| error.contains("404")));
        assert!(content(b"HTTP/1.1 200 OK\r\n").is_err_and(|error| error.contains("short")));
        assert!(content(b"\0\0\0\x07hello").is_err_and(|error| error.contains("not HTTP")));
    }
}
