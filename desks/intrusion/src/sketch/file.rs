//! A sketch as a file: JSON Lines, a header and one actor a line.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::key::{GroupKey, Tag};
use crate::campaign::{ActorTraits, Background, network_bytes};
use crate::{Class, Verdict};

/// Version of the format that this crate writes, and the only one that there is.
pub const VERSION: u32 = 1;
/// Largest file that is read.
pub const MAX_SKETCH_BYTES: usize = 64 << 20;
/// Most actors of one file.
const MAX_ACTORS: usize = 100_000;
/// Most tags of one kind of one actor.
const MAX_TAGS: usize = 512;
/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// What stops a reader of sketches.
#[derive(Debug, thiserror::Error)]
pub enum SketchError {
    /// It begins with no header.
    #[error("it is no sketch: its first line has to hold \"pollwatch_sketch\"")]
    Header,
    /// It is of a version that this program does not know.
    #[error("the sketch has version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// It is larger than any that this program writes.
    #[error("the sketch is larger than {} MiB or has more than {MAX_ACTORS} actors", MAX_SKETCH_BYTES >> 20)]
    TooLarge,
    /// A line holds no actor.
    #[error("line {line} holds no actor: {why}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
}

/// The actors of one or more jurisdictions, without anybody's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    /// Short name of the key that the tags were made with.
    pub key_name: String,
    /// The actors, in order of jurisdiction and time.
    pub actors: Vec<ActorSketch>,
}

/// One actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorSketch {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// Its number there, from 1.
    pub number: usize,
    /// How far it got.
    pub verdict: Verdict,
    /// What it did.
    pub classes: BTreeSet<Class>,
    /// Tools that named themselves.
    pub tools: BTreeSet<String>,
    /// Hours since 1970 of its first and last line.
    pub hours: Option<(i64, i64)>,
    /// Tags of its addresses; `true`: the address is also seen with visitors that nothing is held against, here or elsewhere in
    /// the logs that the sketch was made of.
    pub clients: Vec<(Tag, bool)>,
    /// Tags of its networks (24 bits, or 64 of version 6), with the same mark.
    pub networks: Vec<(Tag, bool)>,
    /// Tags of its agents that no ordinary visitor has.
    pub agents: BTreeSet<Tag>,
    /// Tags of its payloads' shapes.
    pub payloads: BTreeSet<Tag>,
    /// Tags of pairs of paths asked for one after the other.
    pub paths: BTreeSet<Tag>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    pollwatch_sketch: u32,
    key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActorLine {
    jurisdiction: String,
    number: usize,
    verdict: Verdict,
    classes: BTreeSet<Class>,
    tools: BTreeSet<String>,
    first_hour: Option<i64>,
    last_hour: Option<i64>,
    clients: Vec<(String, bool)>,
    networks: Vec<(String, bool)>,
    agents: Vec<String>,
    payloads: Vec<String>,
    paths: Vec<String>,
}

impl Sketch {
    /// Makes a sketch of actors and how far each got. `background` says which traits ordinary visitors have too.
    pub fn of(actors: &[(ActorTraits, Verdict)], background: &Background, key: &GroupKey) -> Self {
        let mut sketched: Vec<ActorSketch> = Vec::new();
        let mut order: Vec<&(ActorTraits, Verdict)> = actors.iter().collect();
        order.sort_by(|(a, _), (b, _)| {
            (&a.jurisdiction, a.first_ms, &a.clients).cmp(&(&b.jurisdiction, b.first_ms, &b.clients))
        });
        for (traits, verdict) in order {
            let number = match sketched.last() {
                Some(last) if last.jurisdiction == traits.jurisdiction => last.number + 1,
                _ => 1,
            };
            sketched.push(of_actor(traits, *verdict, number, background, key));
        }
        Sketch {
            key_name: key.name(),
            actors: sketched,
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let header = HeaderLine {
            pollwatch_sketch: VERSION,
            key: self.key_name.clone(),
        };
        let json = |line: Result<String, serde_json::Error>| line.expect("numbers, words and tags are JSON");
        let mut text = json(serde_json::to_string(&header));
        text.push('\n');
        for actor in &self.actors {
            let words = |tags: &BTreeSet<Tag>| tags.iter().map(Tag::to_string).collect();
            let marked =
                |tags: &[(Tag, bool)]| tags.iter().map(|(tag, mark)| (tag.to_string(), *mark)).collect();
            let line = ActorLine {
                jurisdiction: actor.jurisdiction.clone(),
                number: actor.number,
                verdict: actor.verdict,
                classes: actor.classes.clone(),
                tools: actor.tools.clone(),
                first_hour: actor.hours.map(|(first, _)| first),
                last_hour: actor.hours.map(|(_, last)| last),
                clients: marked(&actor.clients),
                networks: marked(&actor.networks),
                agents: words(&actor.agents),
                payloads: words(&actor.payloads),
                paths: words(&actor.paths),
            };
            text.push_str(&json(serde_json::to_string(&line)));
            text.push('\n');
        }
        text
    }

    /// Reads a file's bytes, which come from somebody else.
    ///
    /// Bounded: [`MAX_SKETCH_BYTES`], 100,000 actors, 512 tags of a kind each. Errors: the first line that holds no actor.
    pub fn parse(bytes: &[u8]) -> Result<Self, SketchError> {
        if bytes.len() > MAX_SKETCH_BYTES {
            return Err(SketchError::TooLarge);
        }
        let mut lines = bytes.split(|&byte| byte == b'\n').enumerate();
        let (_, first) = lines.next().ok_or(SketchError::Header)?;
        // The version is read before the rest, so that a newer file is told from a damaged one.
        let header: serde_json::Value = serde_json::from_slice(first).map_err(|_| SketchError::Header)?;
        let version = header
            .get("pollwatch_sketch")
            .and_then(serde_json::Value::as_u64)
            .ok_or(SketchError::Header)?;
        if version != u64::from(VERSION) {
            return Err(SketchError::Version(u32::try_from(version).unwrap_or(u32::MAX)));
        }
        let header: HeaderLine = serde_json::from_value(header).map_err(|_| SketchError::Header)?;
        let mut actors = Vec::new();
        for (place, line) in lines {
            if line.trim_ascii().is_empty() {
                continue;
            }
            if actors.len() >= MAX_ACTORS {
                return Err(SketchError::TooLarge);
            }
            let wrong = |why: String| SketchError::Line { line: place + 1, why };
            let line: ActorLine = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
            actors.push(read_actor(line).map_err(|why| wrong(why.to_owned()))?);
        }
        Ok(Sketch {
            key_name: header.key.chars().take(64).collect(),
            actors,
        })
    }
}

fn of_actor(
    traits: &ActorTraits,
    verdict: Verdict,
    number: usize,
    background: &Background,
    key: &GroupKey,
) -> ActorSketch {
    let number_tags = |kind: &str, numbers: &BTreeSet<u64>| -> BTreeSet<Tag> {
        numbers
            .iter()
            .take(MAX_TAGS)
            .map(|value| key.tag(kind, &value.to_le_bytes()))
            .collect()
    };
    let address_bytes = |address: &IpAddr| match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let mut clients: Vec<(Tag, bool)> = traits
        .clients
        .iter()
        .take(MAX_TAGS)
        .map(|address| {
            let is_ordinary = background.addresses.contains_key(address);
            (key.tag("client", &address_bytes(address)), is_ordinary)
        })
        .collect();
    let mut networks: Vec<(Tag, bool)> = traits
        .clients
        .iter()
        .take(MAX_TAGS)
        .map(|address| {
            let is_ordinary = background.has_network_of(*address);
            (key.tag("network", &network_bytes(*address)), is_ordinary)
        })
        .collect();
    for tags in [&mut clients, &mut networks] {
        tags.sort_unstable();
        tags.dedup();
    }
    let rare: BTreeSet<u64> = traits
        .agents
        .iter()
        .filter(|agent| !background.agents.contains_key(agent))
        .copied()
        .collect();
    ActorSketch {
        jurisdiction: traits.jurisdiction.clone(),
        number,
        verdict,
        classes: traits.classes.clone(),
        tools: traits.tools.clone(),
        hours: traits
            .first_ms
            .zip(traits.last_ms)
            .map(|(first, last)| (first.div_euclid(HOUR_MS), last.div_euclid(HOUR_MS))),
        clients,
        networks,
        agents: number_tags("agent", &rare),
        payloads: number_tags("payload", &traits.fingerprints),
        paths: number_tags("paths", &traits.path_pairs),
    }
}

fn read_actor(line: ActorLine) -> Result<ActorSketch, &'static str> {
    let lists = [
        line.agents.len(),
        line.payloads.len(),
        line.paths.len(),
        line.clients.len(),
        line.networks.len(),
    ];
    if lists.iter().any(|length| *length > MAX_TAGS) {
        return Err("it has too many tags");
    }
    if line.tools.len() > MAX_TAGS
        || line.jurisdiction.len() > 200
        || line.tools.iter().any(|tool| tool.len() > 100)
    {
        return Err("its words are too long");
    }
    let tag = |text: &String| Tag::parse(text).ok_or("a tag is damaged");
    let set = |texts: &[String]| texts.iter().map(tag).collect::<Result<BTreeSet<Tag>, _>>();
    let marked = |texts: &[(String, bool)]| {
        texts
            .iter()
            .map(|(text, mark)| Ok((tag(text)?, *mark)))
            .collect::<Result<Vec<(Tag, bool)>, &'static str>>()
    };
    // Hours beyond the year 9999 are no hours.
    let hours = line.first_hour.zip(line.last_hour);
    if hours.is_some_and(|(first, last)| {
        first > last || !(-1_000_000..=70_000_000).contains(&first) || last > 70_000_000
    }) {
        return Err("its hours are none");
    }
    Ok(ActorSketch {
        jurisdiction: line.jurisdiction,
        number: line.number,
        verdict: line.verdict,
        classes: line.classes,
        tools: line.tools,
        hours,
        clients: marked(&line.clients)?,
        networks: marked(&line.networks)?,
        agents: set(&line.agents)?,
        payloads: set(&line.payloads)?,
        paths: set(&line.paths)?,
    })
}
