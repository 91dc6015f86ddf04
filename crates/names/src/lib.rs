//! Domain names: reading them as people and feeds write them, public suffixes, IDNA, and the letters that look alike.
//!
//! ```
//! use pollwatch_names::{ParsedName, SuffixClass};
//!
//! let name = ParsedName::parse("https://*.Login.Example.CO.UK.:443/path")?;
//! assert_eq!(name.ascii(), "login.example.co.uk");
//! assert_eq!(name.registrable(), Some("example.co.uk"));
//! assert_eq!(name.user_label(), Some("example"));
//! assert_eq!(name.suffix_class(), SuffixClass::Country);
//! # Ok::<(), pollwatch_names::NameError>(())
//! ```

mod defang;
mod parse;
mod protectable;
mod skeleton;
mod suffix;
mod visible;

pub use defang::{defang, defang_schemes, refang};
pub use parse::{MAX_LABEL_BYTES, MAX_NAME_BYTES, NameError, ParsedName, strip_to_host};
pub use protectable::protectable;
pub use skeleton::{
    are_lookalike_letters, fold_byte, fold_pairs, is_adjacent_key, is_mixed_script, unicode_skeleton,
};
pub use suffix::{SuffixClass, is_government_suffix};
pub use visible::{Lines, is_unseen, shown, visible};
