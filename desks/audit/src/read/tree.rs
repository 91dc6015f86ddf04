//! Elements of XML and objects of JSON, one record at a time, in one form.

use std::fmt;
use std::io::{BufReader, Read};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::error::ReadError;
use super::text::{Budget, Metered, Text};

/// Largest record, in bytes.
const MAX_RECORD_BYTES: usize = 64 << 20;
/// Deepest nesting; the deepest format has 12 (NIST SP 1500-103, write-in images). JSON is bounded by its parser, at 128.
const MAX_DEPTH: usize = 64;

/// An element, without its namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

impl Node {
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Text of the first child of this name, trimmed; `None` where there is none or it is empty.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name)
            .map(|child| child.text.trim())
            .filter(|text| !text.is_empty())
    }

    pub(super) fn number_of<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text_of(name)?.parse().ok()
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Hands over the root's children whose names are among `wanted`, or the root itself where `wanted` is empty; the rest is passed
/// over. Returns the root's name.
pub(super) fn read_xml(
    file: &str,
    reader: impl Read,
    wanted: &[&str],
    each: &mut dyn FnMut(Node) -> Result<(), ReadError>,
) -> Result<String, ReadError> {
    let text = Text::new(reader).map_err(|error| ReadError::io(file, error))?;
    let budget = Budget::new(MAX_RECORD_BYTES);
    let mut xml = Reader::from_reader(BufReader::with_capacity(
        1 << 16,
        Metered::new(text, budget.clone()),
    ));
    let mut buffer = Vec::new();
    let mut root = None;
    // The elements that are open, from the one that is handed over downwards.
    let mut open: Vec<Node> = Vec::new();
    let mut depth = 0usize;
    let format = |at: u64, what: String| ReadError::format(file, None, format!("{what} (at byte {at})"));
    loop {
        buffer.clear();
        let at = xml.buffer_position();
        let event = xml.read_event_into(&mut buffer).map_err(|error| match error {
            quick_xml::Error::Io(source) => ReadError::io(
                file,
                std::sync::Arc::try_unwrap(source).unwrap_or_else(std::io::Error::other),
            ),
            other => format(at, format!("not well-formed XML: {other}")),
        })?;
        match event {
            Event::Start(start) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(ReadError::Limit {
                        file: file.to_owned(),
                        what: format!("its elements are nested more than {MAX_DEPTH} deep"),
                    });
                }
                let name = start.local_name().as_ref().to_owned();
                let begins = match (depth, wanted.is_empty()) {
                    (1, true) => true,
                    (2, false) => wanted.contains(&name.as_str()),
                    _ => false,
                };
                if depth == 1 {
                    root = Some(name);
                }
                if begins || !open.is_empty() {
                    open.push(element(&start).map_err(|what| format(at, what))?);
                }
            }
            Event::Empty(start) => {
                let node = element(&start).map_err(|what| format(at, what))?;
                if depth == 0 {
                    root = Some(node.name.clone());
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None if depth == 0 && wanted.is_empty() => each(node)?,
                    None if depth == 1 && wanted.contains(&node.name.as_str()) => each(node)?,
                    None => {}
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some(node) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.children.push(node),
                        None => {
                            each(node)?;
                            budget.renew();
                        }
                    }
                }
                if open.is_empty() {
                    budget.renew();
                }
            }
            Event::Text(text) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    // An entity of its own making is not expanded: that is how a small file becomes a large one.
                    Ok(None) => quick_xml::escape::resolve_predefined_entity(&reference.xml10_content())
                        .map(str::to_owned),
                    Err(_) => None,
                };
                let resolved =
                    resolved.ok_or_else(|| format(at, "an entity that XML does not define".to_owned()))?;
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&resolved);
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if depth > 0 {
        return Err(ReadError::format(
            file,
            None,
            "the XML ends before its elements do",
        ));
    }
    root.ok_or_else(|| ReadError::format(file, None, "there is no XML element in it"))
}

fn element(start: &BytesStart<'_>) -> Result<Node, String> {
    let mut node = Node {
        name: start.local_name().as_ref().to_owned(),
        ..Node::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("an attribute cannot be read: {error}"))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| format!("an attribute cannot be read: {error}"))?;
        node.attributes
            .push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    Ok(node)
}

/// Hands over, for a JSON object: each item of the arrays at the keys in `arrays`, and each other value at the keys in `whole`.
/// Everything else is passed over.
pub(super) fn read_json(
    file: &str,
    reader: impl Read,
    arrays: &[&str],
    whole: &[&str],
    each: &mut dyn FnMut(&str, Value) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let text = Text::new(reader).map_err(|error| ReadError::io(file, error))?;
    let budget = Budget::new(MAX_RECORD_BYTES);
    let reader = BufReader::with_capacity(1 << 16, Metered::new(text, budget.clone()));
    let mut json = serde_json::Deserializer::from_reader(reader);
    let mut failed = None;
    let seed = Top {
        arrays,
        whole,
        each,
        failed: &mut failed,
        budget: &budget,
    };
    let read = seed.deserialize(&mut json).and_then(|()| json.end());
    if let Some(error) = failed {
        return Err(error);
    }
    read.map_err(|error| {
        let line = error.line() as u64;
        match error.is_io() {
            true => ReadError::io(file, std::io::Error::from(error)),
            false => ReadError::format(file, line, format!("not the JSON that is expected: {error}")),
        }
    })
}

struct Top<'a, 'b> {
    arrays: &'a [&'a str],
    whole: &'a [&'a str],
    each: &'a mut (dyn FnMut(&str, Value) -> Result<(), ReadError> + 'b),
    failed: &'a mut Option<ReadError>,
    budget: &'a Budget,
}

const STOPPED: &str = "stopped";

impl<'de> DeserializeSeed<'de> for Top<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.arrays.contains(&key.as_str()) {
                map.next_value_seed(Items {
                    key: &key,
                    each: self.each,
                    failed: self.failed,
                    budget: self.budget,
                })?;
            } else if self.whole.contains(&key.as_str()) {
                let value = map.next_value::<Value>()?;
                if let Err(error) = (self.each)(&key, value) {
                    *self.failed = Some(error);
                    return Err(serde::de::Error::custom(STOPPED));
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            self.budget.renew();
        }
        Ok(())
    }
}

struct Items<'a, 'b> {
    key: &'a str,
    each: &'a mut (dyn FnMut(&str, Value) -> Result<(), ReadError> + 'b),
    failed: &'a mut Option<ReadError>,
    budget: &'a Budget,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array at \"{}\"", self.key)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while let Some(value) = seq.next_element::<Value>()? {
            if let Err(error) = (self.each)(self.key, value) {
                *self.failed = Some(error);
                return Err(serde::de::Error::custom(STOPPED));
            }
            self.budget.renew();
        }
        Ok(())
    }
}

/// A JSON value in the form of an element: members become children, items of an array become children of one name, `@id` and
/// `@type` become the attributes that XML has (NIST SP 1500-103, section 4).
pub(super) fn node_of(name: &str, value: Value) -> Node {
    let mut node = Node {
        name: name.to_owned(),
        ..Node::default()
    };
    match value {
        Value::Null => {}
        Value::Bool(value) => node.text = value.to_string(),
        Value::Number(value) => node.text = value.to_string(),
        Value::String(value) => node.text = value,
        Value::Array(items) => node.children = items.into_iter().map(|item| node_of(name, item)).collect(),
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("@id", Value::String(id)) => node.attributes.push(("ObjectId".to_owned(), id)),
                    ("@type", Value::String(kind)) => {
                        let kind = kind
                            .rsplit_once('.')
                            .map_or(kind.as_str(), |(_, last)| last)
                            .to_owned();
                        node.attributes.push(("type".to_owned(), kind));
                    }
                    (key, Value::Array(items)) => {
                        node.children
                            .extend(items.into_iter().map(|item| node_of(key, item)));
                    }
                    (key, value) => node.children.push(node_of(key, value)),
                }
            }
        }
    }
    node
}
