//! Random draws, byte for byte as they are published, so that anybody can draw the same cards from the same seed.
//!
//! | draw | used by | source |
//! | --- | --- | --- |
//! | [`consistent`] | ballot polling and comparison in rounds | Rivest, Consistent Sampling with Replacement, arXiv 1808.10016 |
//! | [`counter`] | Colorado since 2017 | Rivest, A Sampler for Ballot Auditing, 2011 |
//! | [`cryptorandom`] | card-style sampling over several contests | `cryptorandom` 0.3, SHA-256 counter |
//! | [`ppeb`] | batch comparison | Aslam, Popa and Rivest 2008, drawn by PCG64 seeded through `SeedSequence` as NumPy 1.17 and later do |
//! | [`card_style`] | several contests on one sample | Glazer, Spertus and Stark, More Style, Less Work, arXiv 2012.03371 |

pub mod card_style;
pub mod consistent;
pub mod counter;
pub mod cryptorandom;
pub mod pcg;
pub mod ppeb;
pub mod repr;
