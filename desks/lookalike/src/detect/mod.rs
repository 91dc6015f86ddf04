//! How candidates are found: one file for each way.

pub(crate) mod edit;
pub(crate) mod neighbourhood;
pub(crate) mod rest;
