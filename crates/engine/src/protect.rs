//! Lists of protected names: a register, a plain list, CSV, or the .gov list as CISA publishes it.

use std::path::Path;

use pollwatch_model::{Problem, Register};
use pollwatch_names::protectable;

use crate::Error;

/// Largest list that is read, in bytes: two hundred times the whole .gov zone.
const MAX_LIST_BYTES: u64 = 256 << 20;

/// Reads a list of protected names. A file that ends in `.toml` is a register; the rest is told apart by its first line.
///
/// Errors: a file that cannot be read, or a register that is not TOML. Every lesser fault is a problem with file and line.
pub fn read_list(path: &Path) -> Result<(Register, Vec<Problem>), Error> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path).map_err(Error::file("read", path))?.len();
    if size > MAX_LIST_BYTES {
        let source = std::io::Error::other(format!(
            "it has {size} bytes, and a list may have {MAX_LIST_BYTES}"
        ));
        return Err(Error::File {
            doing: "read",
            path: path.to_path_buf(),
            source,
        });
    }
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let text = String::from_utf8_lossy(&bytes);
    if path.extension().is_some_and(|extension| extension == "toml") {
        return Ok(Register::parse(&name, &text, &protectable)?);
    }
    Ok(pollwatch_lookalike::register_from_list(&name, &text))
}
