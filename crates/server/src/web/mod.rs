//! HTTP itself: the socket, headers that every answer has, styles and scripts, and who looks.

pub(crate) mod assets;
pub(crate) mod headers;
pub(crate) mod listen;
pub(crate) mod shrink;
pub(crate) mod visitor;
