//! Answers of the domain name system, as they were recorded.
//!
//! Nothing here asks anybody. Whoever has records hands them in; a name that was not recorded is *not checkable*, which is a
//! different thing from a name that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

/// Longest chain of CNAME records that is followed.
const MAX_CNAMES: usize = 10;
/// Largest domain name in its text form, in bytes (RFC 1035, section 2.3.4).
const MAX_NAME_BYTES: usize = 253;
/// Largest label, in bytes (RFC 1035, section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// What a lookup gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// Records.
    Found(T),
    /// The name exists and has no record of this type.
    NoData,
    /// The name does not exist (NXDOMAIN).
    NoSuchName,
    /// The server failed or did not answer.
    TempError,
    /// Nobody recorded an answer: nothing can be said.
    NotRecorded,
}

impl<T> Answer<T> {
    /// The records, changed by `change`; every other answer as it is.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Answer::Found(records) => Answer::Found(change(records)),
            Answer::NoData => Answer::NoData,
            Answer::NoSuchName => Answer::NoSuchName,
            Answer::TempError => Answer::TempError,
            Answer::NotRecorded => Answer::NotRecorded,
        }
    }

    /// Whether the answer is that there is nothing ("void lookup", RFC 7208, section 4.6.4).
    pub fn is_void(&self) -> bool {
        matches!(self, Answer::NoData | Answer::NoSuchName)
    }
}

/// When the records are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The time at which the message came in.
    AtReceipt,
    /// Now: keys rotate, so that a missing key says nothing.
    Today,
}

/// Something that knows answers. CNAME chains are followed inside.
pub trait Dns {
    /// TXT records, the strings of each joined without a separator.
    fn txt(&self, name: &str) -> Answer<Vec<Vec<u8>>>;
    /// A records.
    fn a(&self, name: &str) -> Answer<Vec<Ipv4Addr>>;
    /// AAAA records.
    fn aaaa(&self, name: &str) -> Answer<Vec<Ipv6Addr>>;
    /// MX records, in the order recorded.
    fn mx(&self, name: &str) -> Answer<Vec<(u16, String)>>;
    /// The names of an address.
    fn ptr(&self, address: IpAddr) -> Answer<Vec<String>>;
    /// When the records are from.
    fn asked(&self) -> Asked {
        Asked::AtReceipt
    }
}

/// Knows nothing: every answer is [`Answer::NotRecorded`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoDns;

impl Dns for NoDns {
    fn txt(&self, _: &str) -> Answer<Vec<Vec<u8>>> {
        Answer::NotRecorded
    }
    fn a(&self, _: &str) -> Answer<Vec<Ipv4Addr>> {
        Answer::NotRecorded
    }
    fn aaaa(&self, _: &str) -> Answer<Vec<Ipv6Addr>> {
        Answer::NotRecorded
    }
    fn mx(&self, _: &str) -> Answer<Vec<(u16, String)>> {
        Answer::NotRecorded
    }
    fn ptr(&self, _: IpAddr) -> Answer<Vec<String>> {
        Answer::NotRecorded
    }
}

/// What a missing record means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Completeness {
    /// The records are those somebody happened to keep: a missing one is not checkable.
    #[default]
    Partial,
    /// The records are all there are: a missing name does not exist. For test zones.
    Whole,
}

/// The records of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// TXT records; `Some` and empty: known to have none.
    pub txt: Option<Vec<Vec<u8>>>,
    /// A records.
    pub a: Option<Vec<Ipv4Addr>>,
    /// AAAA records.
    pub aaaa: Option<Vec<Ipv6Addr>>,
    /// MX records.
    pub mx: Option<Vec<(u16, String)>>,
    /// PTR records.
    pub ptr: Option<Vec<String>>,
    /// The name that it is an alias of.
    pub cname: Option<String>,
    /// Whether every type that has no records here timed out.
    pub timeout: bool,
    /// Whether the name is known not to exist.
    pub no_such_name: bool,
}

/// Why records cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordedError {
    /// Not JSON.
    #[error("the recorded DNS answers are not JSON: {0}")]
    Json(String),
    /// JSON of another shape.
    #[error("the recorded DNS answers of {name} have an unexpected {what}")]
    Shape {
        /// The name.
        name: String,
        /// What is wrong there.
        what: String,
    },
}

/// Recorded answers, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    entries: BTreeMap<String, Entry>,
    parents: BTreeSet<String>,
    completeness: Completeness,
}

impl Recorded {
    /// No records yet.
    pub fn new(completeness: Completeness) -> Self {
        Recorded {
            completeness,
            ..Recorded::default()
        }
    }

    /// Adds the records of `name`, in place of those there were.
    pub fn insert(&mut self, name: &str, entry: Entry) {
        let name = key(name);
        let mut rest = name.as_str();
        while let Some((_, parent)) = rest.split_once('.') {
            if !self.parents.insert(parent.to_owned()) {
                break;
            }
            rest = parent;
        }
        self.entries.insert(name, entry);
    }

    /// Reads `{"example.com": {"TXT": […], "A": […], "AAAA": […], "MX": [[10, "mx"]], "PTR": […], "CNAME": "…",
    /// "TIMEOUT": true, "NXDOMAIN": true}}`. A TXT record is a text or a list of the strings it is made of; a name whose
    /// value is a text or a list has that as its TXT records.
    ///
    /// Errors: [`RecordedError`].
    pub fn from_json(text: &str, completeness: Completeness) -> Result<Self, RecordedError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| RecordedError::Json(error.to_string()))?;
        Recorded::from_value(&value, completeness)
    }

    /// As [`Recorded::from_json`], from JSON that has been read.
    ///
    /// Errors: [`RecordedError::Shape`].
    pub fn from_value(value: &Value, completeness: Completeness) -> Result<Self, RecordedError> {
        let mut recorded = Recorded::new(completeness);
        let Some(names) = value.as_object() else {
            return Err(RecordedError::Json("the whole is not an object".to_owned()));
        };
        for (name, value) in names {
            let entry = read_entry(value).map_err(|what| RecordedError::Shape {
                name: name.clone(),
                what: what.to_owned(),
            })?;
            recorded.insert(name, entry);
        }
        Ok(recorded)
    }

    fn look<T>(&self, name: &str, pick: impl Fn(&Entry) -> Option<Vec<T>>) -> Answer<Vec<T>> {
        let mut name = key(name);
        for _ in 0..=MAX_CNAMES {
            let Some(entry) = self.entries.get(&name) else {
                return match self.completeness {
                    Completeness::Partial => Answer::NotRecorded,
                    Completeness::Whole if self.parents.contains(&name) => Answer::NoData,
                    Completeness::Whole => Answer::NoSuchName,
                };
            };
            if entry.no_such_name {
                return Answer::NoSuchName;
            }
            match (pick(entry), &entry.cname) {
                (Some(records), _) if records.is_empty() => return Answer::NoData,
                (Some(records), _) => return Answer::Found(records),
                (None, Some(alias)) => name = key(alias),
                (None, None) if entry.timeout => return Answer::TempError,
                (None, None) if self.completeness == Completeness::Whole => return Answer::NoData,
                (None, None) => return Answer::NotRecorded,
            }
        }
        Answer::TempError
    }
}

impl Dns for Recorded {
    fn txt(&self, name: &str) -> Answer<Vec<Vec<u8>>> {
        self.look(name, |entry| entry.txt.clone())
    }
    fn a(&self, name: &str) -> Answer<Vec<Ipv4Addr>> {
        self.look(name, |entry| entry.a.clone())
    }
    fn aaaa(&self, name: &str) -> Answer<Vec<Ipv6Addr>> {
        self.look(name, |entry| entry.aaaa.clone())
    }
    fn mx(&self, name: &str) -> Answer<Vec<(u16, String)>> {
        self.look(name, |entry| entry.mx.clone())
    }
    fn ptr(&self, address: IpAddr) -> Answer<Vec<String>> {
        self.look(&reverse_name(address), |entry| entry.ptr.clone())
    }
}

fn read_entry(value: &Value) -> Result<Entry, &'static str> {
    let mut entry = Entry::default();
    let Some(types) = value.as_object() else {
        entry.txt = Some(read_txt(value)?);
        return Ok(entry);
    };
    for (kind, value) in types {
        match kind.to_ascii_uppercase().as_str() {
            "TXT" => entry.txt = Some(read_txt(value)?),
            "A" => entry.a = Some(read_list(value, "A record", |v| v.as_str()?.parse().ok())?),
            "AAAA" => entry.aaaa = Some(read_list(value, "AAAA record", |v| v.as_str()?.parse().ok())?),
            "PTR" => entry.ptr = Some(read_list(value, "PTR record", |v| v.as_str().map(str::to_owned))?),
            "MX" => entry.mx = Some(read_list(value, "MX record", read_mx)?),
            "CNAME" => entry.cname = Some(value.as_str().ok_or("CNAME record")?.to_owned()),
            "TIMEOUT" => entry.timeout = value.as_bool().ok_or("TIMEOUT")?,
            "NXDOMAIN" => entry.no_such_name = value.as_bool().ok_or("NXDOMAIN")?,
            // Types that are of no use here.
            _ => {}
        }
    }
    Ok(entry)
}

fn read_mx(value: &Value) -> Option<(u16, String)> {
    let [preference, host] = value.as_array()?.as_slice() else {
        return None;
    };
    Some((
        u16::try_from(preference.as_u64()?).ok()?,
        host.as_str()?.to_owned(),
    ))
}

fn read_txt(value: &Value) -> Result<Vec<Vec<u8>>, &'static str> {
    read_list(value, "TXT record", |value| match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Array(strings) => {
            let mut joined = Vec::new();
            for string in strings {
                joined.extend_from_slice(string.as_str()?.as_bytes());
            }
            Some(joined)
        }
        _ => None,
    })
}

fn read_list<T>(
    value: &Value,
    what: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, &'static str> {
    match value {
        Value::Array(items) => items.iter().map(|item| read(item).ok_or(what)).collect(),
        one => Ok(vec![read(one).ok_or(what)?]),
    }
}

fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The name under which the names of an address are kept (RFC 1035, section 3.5; RFC 3596, section 2.5).
pub fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let mut name = String::with_capacity(72);
            for octet in address.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", octet & 15, octet >> 4));
            }
            name.push_str("ip6.arpa");
            name
        }
    }
}

/// Whether a DNS query can be made of `name`: labels of 1 to 63 bytes, 253 in all (RFC 1035, section 2.3.4).
pub fn is_queryable(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= MAX_LABEL_BYTES)
}
