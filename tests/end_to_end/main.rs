//! End to end: the binary, as a person or a script would use it.

mod audit;
mod console;
mod demo;
mod harness;
mod hostile;
mod intrusion;
mod intrusion_hostile;
mod kill;
mod mail;
mod record;
mod rolls;
mod tally;
mod tamper;
mod watch;
