//! `/api/v1`: the same record for programs. Its description is generated from the types of this folder.

pub(crate) mod handlers;
pub(crate) mod metrics;
pub mod openapi;
pub(crate) mod problem;
pub(crate) mod types;
