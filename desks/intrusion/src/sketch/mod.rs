//! Sketches: what jurisdictions can compare without showing each other who visits them.
//!
//! A sketch holds, of each actor, keyed tags (HMAC-SHA-256, RFC 2104) of its addresses, networks, agents, payload shapes and
//! pairs of paths. Two sketches made with the same key have equal tags where the actors share a trait, and say nothing else.
//!
//! **What it hides, and from whom.** Without the key a tag tells nothing. Whoever has the key can test guesses: all four billion
//! addresses of version 4 take a machine minutes, so to members of the group the addresses of *actors* are as good as written
//! down. What a sketch never holds, in any form, is anything of visitors that nothing is held against, and no query, user name or
//! page. In plain sight are: the jurisdiction's name, how many actors there are, what each did and how far it got, tools that
//! named themselves, and the hours of its first and last line.

mod compare;
mod file;
mod key;

pub use compare::{Match, Strength, compare};
pub use file::{ActorSketch, MAX_SKETCH_BYTES, Sketch, SketchError, VERSION};
pub use key::{GroupKey, KeyError, Tag};
