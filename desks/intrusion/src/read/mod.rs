//! Bytes to events: one file a dialect.

mod alb;
mod auth;
mod cef;
mod clf;
mod dialect;
mod fields;
mod haproxy;
mod headers;
mod json;
mod mapping;
mod packet;
mod palo_alto;
mod syslog;
mod time;
mod w3c;
mod xml;

pub use dialect::{Dialect, Format, Reader, Unknown};
pub use fields::{Fields, Span};
pub use headers::{HeaderList, Headers};
pub use mapping::{Mapping, MappingError};
pub use w3c::W3cFields;
