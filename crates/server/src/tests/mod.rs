//! The console as a whole, without a socket: who may do what, and what hostile callers and hostile records come to.

mod hostile;
mod pages;
mod place;
mod roles;
mod sockets;
mod watched;
