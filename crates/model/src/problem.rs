//! Something wrong with the input that a reader notes and steps over.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something wrong with one record of the input: noted, counted, stepped over.
///
/// Shown as `names.txt:1042: what is wrong`. `what` never repeats hostile bytes unescaped, nor a person's name or address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The input's name, as the user gave it.
    pub file: String,
    /// Line or record number, from 1; `None` when it concerns the file as a whole.
    pub record: Option<u64>,
    /// What is wrong and what was done about it, lower case, no full stop.
    pub what: String,
    /// How many records of the input could not be read because of it: 0 for a remark about something that was read all the same.
    pub records_lost: u64,
}

impl Problem {
    /// A record that could not be read.
    pub fn lost(file: &str, record: u64, what: impl Into<String>) -> Self {
        Problem {
            file: file.to_owned(),
            record: Some(record),
            what: what.into(),
            records_lost: 1,
        }
    }

    /// A remark about a record or file that was read all the same.
    pub fn remark(file: &str, record: Option<u64>, what: impl Into<String>) -> Self {
        Problem {
            file: file.to_owned(),
            record,
            what: what.into(),
            records_lost: 0,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            Some(record) => write!(f, "{}:{record}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}
