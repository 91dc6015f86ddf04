//! JSON Lines: certificate-transparency messages in certstream form, and plainer lines of the same kind.
//!
//! * `{"message_type":"certificate_update","data":{"leaf_cert":{"all_domains":[…]},"seen":1530000000.123}}`
//! * `{"message_type":"dns_entries","data":["a.example","b.example"]}`, the domains-only form
//! * `{"Timestamp":1733247478000,"DNS":["a.example"]}`, the names tiles of static CT logs
//! * any object with one of the fields of [`NAME_FIELDS`], a list of names, or a bare string
//!
//! Heartbeats are skipped. Depth is bounded by `serde_json` (128), size by the longest line.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::reader::Out;
use super::when::{read_time, read_unix_time};

/// Fields that hold a name or a list of names.
const NAME_FIELDS: &[&str] = &[
    "all_domains",
    "dns_names",
    "DNS",
    "domains",
    "domain",
    "fqdn",
    "hostname",
    "host",
    "name",
];

/// Fields that hold the time at which the names were seen.
const TIME_FIELDS: &[&str] = &["seen", "first_seen", "timestamp", "Timestamp", "date"];

/// Reads one message, given without its line end.
pub(super) fn read_message(text: &[u8], line: u64, out: &mut Out<'_, '_>) {
    if text.trim_ascii().is_empty() || text.starts_with(b"#") {
        return out.without_name(1);
    }
    let mut message = Message::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = Within {
        message: &mut message,
        place: Place::Top,
    }
    .deserialize(&mut json)
    .and_then(|()| json.end());
    if let Err(error) = read {
        // Only the place: the text of the error may repeat what the input says.
        let why = match error.classify() {
            serde_json::error::Category::Eof => "the line breaks off within a JSON value".to_owned(),
            _ => format!(
                "the line is not one JSON value: it goes wrong at column {}",
                error.column()
            ),
        };
        return out.lost(line, 1, why);
    }
    let all = message.names.len() as u64 + message.other;
    message
        .names
        .retain(|name| !name.is_empty() && !name.contains(|c: char| c.is_control()));
    let good = message.names.len() as u64;
    if good == 0 && all > 0 {
        return out.lost(
            line,
            1,
            format!("none of the {all} names of the message is a text without control bytes"),
        );
    }
    if good == 0 {
        if message.is_known {
            return out.without_name(1);
        }
        return out.lost(line, 1, "the JSON value has no field that holds names");
    }
    for name in &message.names {
        out.name(name, line, text, message.seen);
    }
    if good < all {
        let bad = all - good;
        out.remark(
            line,
            format!("{bad} of {all} names of the message are no text without control bytes"),
        );
    }
    out.with_names(1);
}

#[derive(Default)]
struct Message<'a> {
    names: Vec<Cow<'a, str>>,
    /// Values in the place of a name that are not text.
    other: u64,
    seen: Option<Timestamp>,
    /// Whether it says what it is or has a field of names, be it empty.
    is_known: bool,
}

/// What a value is, by where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole line, `data` or `leaf_cert`: an object to look into, or names.
    Top,
    /// A name or a list of names.
    Names,
    /// An element of a list of names.
    Name,
    /// A time.
    Time,
    /// `message_type`.
    Kind,
}

struct Within<'m, 'a> {
    message: &'m mut Message<'a>,
    place: Place,
}

impl<'a> DeserializeSeed<'a> for Within<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Within<'_, 'a> {
    fn text(self, text: Cow<'a, str>) {
        match self.place {
            Place::Top | Place::Names | Place::Name => self.message.names.push(text),
            Place::Time => self.message.seen = read_time(&text).or(self.message.seen),
            Place::Kind => self.message.is_known = true,
        }
    }

    fn number(self, number: f64) {
        match self.place {
            Place::Names | Place::Name => self.message.other += 1,
            Place::Time => self.message.seen = read_unix_time(number).or(self.message.seen),
            Place::Top | Place::Kind => {}
        }
    }
}

impl<'a> Visitor<'a> for Within<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message with names")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.text(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.number(number);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(number as f64);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(number as f64);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.number(0.0);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        if self.place == Place::Name {
            self.message.other += 1;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        if !matches!(self.place, Place::Top | Place::Names) {
            if self.place == Place::Name {
                self.message.other += 1;
            }
            return IgnoredAny.visit_seq(list).map(|_| ());
        }
        self.message.is_known = true;
        while list
            .next_element_seed(Within {
                message: self.message,
                place: Place::Name,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        if self.place != Place::Top {
            if matches!(self.place, Place::Name | Place::Names) {
                self.message.other += 1;
            }
            return IgnoredAny.visit_map(map).map(|_| ());
        }
        while let Some(Key(key)) = map.next_key()? {
            let place = match key.as_ref() {
                "message_type" => Place::Kind,
                "data" | "leaf_cert" => Place::Top,
                key if NAME_FIELDS.contains(&key) => {
                    self.message.is_known = true;
                    Place::Names
                }
                key if TIME_FIELDS.contains(&key) => Place::Time,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(Within {
                message: self.message,
                place,
            })?;
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'a> Deserialize<'a> for Key<'a> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        struct AnyText;
        impl<'a> Visitor<'a> for AnyText {
            type Value = Key<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        json.deserialize_str(AnyText)
    }
}
