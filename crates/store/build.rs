//! Sees to it that a migration that is added is embedded: the macro that embeds them does not watch the folder.
#![allow(
    clippy::print_stdout,
    reason = "printing is how a build script speaks to cargo"
)]

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=migrations_access");
}
