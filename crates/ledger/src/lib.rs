//! An append-only, signed log of short entries, and the evidence that they speak of.
//!
//! The log is a Merkle tree (RFC 6962) kept as tiles (C2SP tlog-tiles), whose checkpoints are signed notes: any tool that speaks these
//! forms can check it. The crate knows bytes alone: what an entry means is its caller's affair. It has no clock and no network;
//! times come in as arguments, and randomness is asked for in one place, when a key is made.
//!
//! * [`log`] appends, [`reader`] reads and proves, [`verify`] checks all of it offline, [`evidence`] keeps the bytes that entries name by digest.
//! * [`tree`], [`tree_proof`], [`tile`], [`note`], [`checkpoint`] and [`proof`] are the forms, free of any file.
//!
//! ```
//! use pollwatch_ledger::{log::Log, note::SignerKey, reader::LogReader, verify::verify_log};
//!
//! let folder = tempfile::tempdir()?;
//! let signer = SignerKey::from_seed("county.example/ledger", &[7; 32])?;
//! let key = signer.verifier().clone();
//! let mut log = Log::create(folder.path(), signer)?;
//! log.append_batch(&[b"first", b"second"])?;
//!
//! let reader = LogReader::open(folder.path(), &[key.clone()])?;
//! let proof = reader.tlog_proof(1)?;
//! assert_eq!(proof.verify(b"second", &[key.clone()])?.checkpoint.size, 2);
//! assert_eq!(verify_log(folder.path(), &[key], None, |_, _| Ok(()))?.checkpoint.size, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checkpoint;
mod disk;
mod error;
pub mod evidence;
pub mod key;
pub mod key_history;
pub mod log;
pub mod note;
mod pack;
pub mod proof;
pub mod reader;
pub mod tile;
pub mod tree;
pub mod tree_proof;
pub mod verify;
mod verify_tree;

pub use error::{Error, FormatError};
