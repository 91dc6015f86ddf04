//! Rules: patterns over a decoded field, each with the literals without one of which it cannot match.

mod code;
mod command;
mod database;
mod holes;
mod markup;
mod network;
mod rule;
mod tools;
mod traversal;

pub(super) use rule::{Lookup, Rule, RuleSet, Scope};
pub(super) use tools::{AGENTS, TRACES};

/// Every rule, most telling first within each table.
pub(super) const TABLES: &[&[Rule]] = &[
    holes::RULES,
    traversal::RULES,
    code::PHP,
    code::JAVA,
    code::SCRIPT,
    code::TEMPLATE,
    command::RULES,
    markup::RULES,
    network::RULES,
    database::RULES,
    tools::RULES,
];
