//! The same hand in several jurisdictions: campaigns, each link with its reason, and the chance that they are none.

mod card;
mod find;
mod mark;
mod null;
mod traits;
mod visit;
mod weigh;

pub(crate) use visit::RULE as VISIT_RULE;

pub(crate) use card::CARD;
pub use find::{Campaign, find_campaigns};
pub use mark::{MARK_SEED, mark};
pub(crate) use traits::network_bytes;
pub use traits::{ActorTraits, Background, traits_of};
pub use weigh::Link;
