//! Where in a log to begin: at an end of it, or at a time as people say it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a client's own clock")]

use std::{
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A place to begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// The first record there is.
    Earliest,
    /// The next record to come.
    Latest,
    /// The first record at or after this time, in ms since 1970.
    Time(i64),
}

impl Start {
    /// The timestamp by which ListOffsets knows it.
    pub(super) fn timestamp(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::Time(ms) => ms,
        }
    }
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            _ => time(text, SystemTime::now()).map(Self::Time).ok_or_else(|| {
                "not earliest, latest, a time such as 2026-01-31T12:00:00Z, a span such as 15m, or @ and ms since 1970"
                    .to_owned()
            }),
        }
    }
}

fn time(text: &str, now: SystemTime) -> Option<i64> {
    if let Some(ms) = text.strip_prefix('@') {
        return ms.parse().ok().filter(|ms| *ms >= 0);
    }
    let at = match humantime::parse_rfc3339_weak(text) {
        Ok(at) => at,
        Err(_) => now.checked_sub(humantime::parse_duration(text).ok()?)?,
    };
    Some(at.duration_since(UNIX_EPOCH).ok()?.as_millis() as i64)
}

/// A record's timestamp as people read it, in UTC; `-` if it has none.
pub(super) fn print(ms: i64) -> String {
    match u64::try_from(ms) {
        Ok(ms) => humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string(),
        Err(_) => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(time("@1234", now), Some(1234));
        assert_eq!(time("15m", now), Some((1_000_000 - 900) * 1000));
        assert_eq!(time("1970-01-02T00:00:00Z", now), Some(86_400_000));
        assert_eq!(time("1970-01-02 00:00:01", now), Some(86_401_000));
        assert_eq!([time("soon", now), time("@-1", now), time("40000d", now)], [None; 3]);
        assert_eq!("latest".parse(), Ok(Start::Latest));
        assert!("yesterday".parse::<Start>().is_err_and(|told| told.contains("15m")));
        assert_eq!(print(86_400_123), "1970-01-02T00:00:00.123Z");
        assert_eq!(print(-1), "-");
    }
}
