//! Why a command failed: what a person reads, and what a group's member must tell apart to go on.

use std::fmt;

use corelog_wire::error_code::ErrorCode;

#[derive(Debug)]
pub(super) enum Failure {
    /// The broker said no.
    Refused { code: ErrorCode, text: String },
    /// There is no connection, or it broke.
    Link(String),
    /// The user wants an end.
    Interrupted,
    /// Anything else that ends the command.
    Told(String),
}

impl Failure {
    /// What the broker says with this code.
    pub(super) fn said(code: ErrorCode) -> Self {
        Self::Refused { code, text: code.name().to_owned() }
    }

    /// What the broker said, if it said it.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The same, about `what`.
    pub(super) fn about(self, what: impl fmt::Display) -> Self {
        match self {
            Self::Refused { code, text } => Self::Refused { code, text: format!("{what}: {text}") },
            Self::Link(text) => Self::Link(format!("{what}: {text}")),
            Self::Told(text) => Self::Told(format!("{what}: {text}")),
            Self::Interrupted => Self::Interrupted,
        }
    }

    /// The same, with what to do about it, if `code` is what the broker said.
    pub(super) fn cure(self, code: ErrorCode, cure: &str) -> Self {
        match self {
            Self::Refused { code: said, text } if said == code => {
                Self::Refused { code, text: format!("{text}: {cure}") }
            }
            other => other,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { text, .. } | Self::Link(text) | Self::Told(text) => f.write_str(text),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Told(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Told(text.to_owned())
    }
}

/// An error code of an answer, with the broker's own words where it has some.
pub(super) fn check(code: i16, message: Option<&str>) -> Result<(), Failure> {
    let Some(known) = ErrorCode::from_i16(code) else { return Err(format!("error {code}").into()) };
    if !known.is_error() {
        return Ok(());
    }
    let text = message.filter(|text| !text.is_empty()).unwrap_or(known.name()).to_owned();
    Err(Failure::Refused { code: known, text })
}
