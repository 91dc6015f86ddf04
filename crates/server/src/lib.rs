//! The console and the API of a workspace: what was found, how sure that is and what came of it, for a browser and for programs.
//!
//! Pages are made on the server and work without a script; a small script adds live updates and keyboard moves. Nothing is
//! loaded from elsewhere, and the content security policy allows neither inline script nor inline style. [`serve`] runs until
//! it is told to stop; [`Console`] is the same without a socket, for tests.
//!
//! The crate shows whatever desks the engine has: it holds no word about any one of them.

mod access;
mod api;
mod app;
mod error;
mod live;
mod pages;
mod routes;
mod snapshot;
#[cfg(test)]
mod tests;
mod watched;
mod web;
mod words;

pub use access::accounts::{AccountError, Role, add_account, change_password};
pub use api::openapi::document as openapi_document;
pub use app::{Console, Limits, Options, Proxy, Tls};
pub use error::Error;
pub use web::listen::serve;
