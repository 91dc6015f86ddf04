//! What is remembered of one jurisdiction's logs while they are read, within bounds.

mod clients;
mod file;
mod kept;
mod series;
mod shapes;
mod spill;
mod state;

pub use clients::{Client, Clients, FEW_MISSING, Gone, MAX_SAMPLE, sample_order};
pub use file::FileSeen;
pub use kept::{Kept, KeptHit};
pub use series::series_of;
pub use shapes::{AgentSeen, Agents, ShapeSeen, Shapes, Sizes};
pub use state::Site;
