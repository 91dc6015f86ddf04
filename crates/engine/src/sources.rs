//! What a run reads: places with a name, a role and a format.

use std::path::{Path, PathBuf};

use pollwatch_model::Problem;
use serde::Serialize;

use crate::input::{Place, list_places};

/// One input of a run, before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// The name that people know it by.
    pub name: String,
    /// The part it plays where a desk tells inputs apart; empty where not.
    pub role: String,
    /// The format to read it as; `None`: the desk looks and decides.
    pub format: Option<String>,
    /// Where its bytes come from.
    pub place: Place,
}

/// What tells whether an input is the one that an earlier run began to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    name: String,
    role: String,
    format: Option<String>,
    bytes: Option<u64>,
    changed_seconds: Option<u64>,
}

impl SourceSpec {
    /// A file, under its path as its name.
    pub fn file(path: &Path) -> Self {
        SourceSpec::at(Place::File(path.to_path_buf()), None)
    }

    fn at(place: Place, format: Option<&str>) -> Self {
        SourceSpec {
            name: place.name(),
            role: String::new(),
            format: format.map(str::to_owned),
            place,
        }
    }

    /// What `paths` stand for: files, all files below a folder in the order of their names, standard input for `-`; and what
    /// was passed over.
    ///
    /// A path that cannot be listed is given as a source all the same: opening it says why.
    pub fn from_paths(paths: &[PathBuf], format: Option<&str>) -> (Vec<Self>, Vec<Problem>) {
        let mut sources = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            match list_places(path) {
                Ok(listed) => {
                    sources.extend(
                        listed
                            .places
                            .into_iter()
                            .map(|place| SourceSpec::at(place, format)),
                    );
                    problems.extend(listed.problems);
                }
                Err(_) => sources.push(SourceSpec::at(Place::File(path.clone()), format)),
            }
        }
        (sources, problems)
    }

    /// Whether it can be read only once.
    pub(crate) fn is_stream(&self) -> bool {
        match &self.place {
            Place::Stdin => true,
            Place::File(path) => !std::fs::metadata(path).is_ok_and(|about| about.is_file()),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        let about = match &self.place {
            Place::Stdin => None,
            Place::File(path) => std::fs::metadata(path).ok(),
        };
        let changed = about.as_ref().and_then(|about| about.modified().ok());
        Identity {
            name: self.name.clone(),
            role: self.role.clone(),
            format: self.format.clone(),
            bytes: about.as_ref().map(std::fs::Metadata::len),
            changed_seconds: changed
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .map(|age| age.as_secs()),
        }
    }
}
