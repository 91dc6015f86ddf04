//! How rolls change by themselves: distributions with exact tails, fits, and the control of false discoveries.

mod dist;
mod fdr;
mod fit;

pub use dist::{
    beta_binomial_at_least, beta_binomial_at_most, hypergeometric_at_least, negative_binomial_at_least,
    negative_binomial_at_most,
};
pub use fdr::{Correction, q_values, single_threshold};
pub use fit::{Cell, spread_between, spread_within, spreads_within};
