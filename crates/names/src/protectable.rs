//! Whether a name can stand in the register.

use crate::{NameError, ParsedName, is_government_suffix};

/// The canonical form (lower case, A-labels) of a name that can be protected, or why it cannot be.
///
/// A public suffix belongs to nobody and cannot be protected, but for two sorts: the suffixes that a government keeps for
/// itself (`gov.ua`, `gouv.fr`), and a company's own domain beneath which it hands out names (the list's private section).
/// All that stands beneath them counts as that owner's.
///
/// ```
/// use pollwatch_names::protectable;
///
/// assert_eq!(protectable("Senate.GOV.").as_deref(), Ok("senate.gov"));
/// assert!(protectable("co.uk").unwrap_err().contains("public suffix"));
/// ```
pub fn protectable(name: &str) -> Result<String, String> {
    let parsed = ParsedName::parse(name).map_err(|error| match error {
        NameError::Address => "it is an IP address, and only names can be protected".to_owned(),
        other => other.to_string(),
    })?;
    if parsed.registrable().is_some() {
        return Ok(parsed.ascii().to_owned());
    }
    if !parsed.ascii().contains('.') {
        return Err("it is a top-level domain, which belongs to nobody".to_owned());
    }
    // A company that hands out names beneath its own domain still owns the domain.
    if is_government_suffix(parsed.ascii()) || parsed.is_private_suffix() {
        return Ok(parsed.ascii().to_owned());
    }
    Err("it is a public suffix: the names beneath it belong to many owners".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_one_owner_can_be_protected() {
        assert_eq!(
            protectable("https://Vote.Example.gov/").as_deref(),
            Ok("vote.example.gov")
        );
        assert_eq!(protectable("gov.ua").as_deref(), Ok("gov.ua"));
        for (name, why) in [
            ("com", "top-level"),
            ("co.uk", "public suffix"),
            ("10.0.0.1", "IP address"),
            ("a b", "character"),
            ("", "no name"),
        ] {
            assert!(protectable(name).unwrap_err().contains(why), "{name}");
        }
    }
}
