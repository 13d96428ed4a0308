//! HTTP as far as an operator's tools need it: a GET or HEAD of one of a few pages, answered once for each connection.
//! Pure: bytes in, bytes out.

use crate::limits::HTTP_HEADERS;

/// What has arrived of a request says this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// There is more to come.
    Unfinished,
    /// The page at this path; without its content for HEAD.
    Page {
        /// Without the query.
        path: String,
        /// Only the head is wanted.
        head_only: bool,
    },
    /// A method that does not ask for a page.
    OtherMethod,
    /// Not HTTP.
    Nonsense,
}

/// A page, or why there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The status with its phrase.
    pub status: &'static str,
    /// What the content is.
    pub content_type: &'static str,
    /// The content.
    pub content: String,
}

/// The content type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";

impl Page {
    /// Plain text.
    pub fn text(status: &'static str, content: impl Into<String>) -> Self {
        Self { status, content_type: TEXT, content: content.into() }
    }

    /// The response's bytes.
    pub fn encode(&self, head_only: bool) -> Vec<u8> {
        let Self { status, content_type, content } = self;
        let length = content.len();
        let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-store\r\n{allow}Connection: close\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        if !head_only {
            bytes.extend_from_slice(content.as_bytes());
        }
        bytes
    }
}

/// Reads a request's head.
pub fn parse(bytes: &[u8]) -> Asked {
    let mut headers = [httparse::EMPTY_HEADER; HTTP_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Err(_) => Asked::Nonsense,
        Ok(httparse::Status::Partial) => Asked::Unfinished,
        Ok(httparse::Status::Complete(_)) => match (request.method, request.path) {
            (Some(method @ ("GET" | "HEAD")), Some(target)) => {
                let path = target.split('?').next().unwrap_or_default().to_owned();
                Asked::Page { path, head_only: method == "HEAD" }
            }
            _ => Asked::OtherMethod,
        },
    }
}

/// The response to what has arrived, by `page`; `None` while there is more to come. `full` says that no more is taken.
pub fn answer(bytes: &[u8], full: bool, page: impl FnOnce(&str) -> Page) -> Option<Vec<u8>> {
    match parse(bytes) {
        Asked::Unfinished if full => {
            Some(Page::text("431 Request Header Fields Too Large", "too long\n").encode(false))
        }
        Asked::Unfinished => None,
        Asked::Page { path, head_only } => Some(page(&path).encode(head_only)),
        Asked::OtherMethod => Some(Page::text("405 Method Not Allowed", "GET or HEAD\n").encode(false)),
        Asked::Nonsense => Some(Page::text("400 Bad Request", "not HTTP\n").encode(false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8], full: bool) -> Option<String> {
        let answer = answer(bytes, full, |path| Page::text("200 OK", format!("page {path}")));
        answer.map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn a_page_is_answered_once_its_request_is_whole() {
        let request = b"GET /metrics?x=1 HTTP/1.1\r\nHost: here\r\nAccept: */*\r\n\r\n";
        for end in 0..request.len() {
            assert_eq!(said(&request[..end], false), None, "after {end} bytes");
        }
        let answer = said(request, false).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\npage /metrics"), "{answer}");
        assert!(answer.contains("Content-Length: 13\r\n") && answer.contains("Connection: close\r\n"), "{answer}");
    }

    #[test]
    fn a_head_has_the_length_and_not_the_content() {
        let answer = said(b"HEAD /healthz HTTP/1.0\r\n\r\n", false).expect("an answer");
        assert!(answer.contains("Content-Length: 13\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    }

    #[test]
    fn whatever_else_comes_is_refused() {
        let status = |bytes: &[u8], full| said(bytes, full).expect("an answer")[9..12].to_owned();
        assert_eq!(status(b"POST /metrics HTTP/1.1\r\n\r\n", false), "405");
        assert_eq!(status(b"\x00\x00\x00\x12 a Kafka client", false), "400");
        assert_eq!(status(b"GET /metrics HTTP/1.1\r\nendless: ", true), "431");
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HTTP_HEADERS + 1));
        assert_eq!(status(many.as_bytes(), false), "400");
    }
}
