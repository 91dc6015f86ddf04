//! Why an input is refused as a whole.

use std::io;

/// Why an input is refused as a whole. What is wrong with single records goes to the caller as a
/// [`Problem`](pollwatch_model::Problem) instead, and the rest is read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("cannot read {file}")]
    Io {
        /// The file; `archive.zip:member` within an archive.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The input is larger, deeper or more tightly packed than anything of its kind.
    #[error("{file} is not read: {what}")]
    Limit {
        /// The file.
        file: String,
        /// Which limit, and what was met.
        what: String,
    },
    /// The input is not of the format that it is read as, or contradicts itself.
    #[error("{file}{}: {what}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Format {
        /// The file.
        file: String,
        /// Line or record, from 1; `None` where it concerns the whole.
        line: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// Whoever receives the records could not keep them.
    #[error("cannot keep the records of {file}")]
    Keep {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// An I/O error that is really a limit.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OverLimit(pub(super) String);

impl OverLimit {
    pub(super) fn error(what: impl Into<String>) -> io::Error {
        io::Error::other(OverLimit(what.into()))
    }
}

impl ReadError {
    /// An I/O error of `file`, told apart from a limit.
    pub(super) fn io(file: &str, source: io::Error) -> Self {
        match source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<OverLimit>())
        {
            Some(over) => ReadError::Limit {
                file: file.to_owned(),
                what: over.0.clone(),
            },
            None => ReadError::Io {
                file: file.to_owned(),
                source,
            },
        }
    }

    pub(super) fn format(file: &str, line: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        ReadError::Format {
            file: file.to_owned(),
            line: line.into(),
            what: what.into(),
        }
    }

    pub(super) fn keep(file: &str, source: io::Error) -> Self {
        ReadError::Keep {
            file: file.to_owned(),
            source,
        }
    }
}
