//! From bytes to rows: blocks of whole lines, each line laid out, inspected and reduced to what the judgement needs.

mod block;
mod memo;
mod path;
mod row;

pub use block::{Block, Blocks, MAX_LINE_BYTES};
pub use path::{Shape, shape_of};
pub use row::{Laid, Method, Row, RowHit, Rows, flag};
