//! What a path stands for, and how it is opened.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use pollwatch_model::Problem;

use super::Opened;

/// Deepest folder below one that was given. No export nests so deep; a loop made by a mount does.
const MAX_DEPTH: usize = 16;

/// Most files in one folder that was given: their paths are held in memory.
const MAX_FILES: usize = 1_000_000;

/// Name of standard input in locators and problems.
const STANDARD_INPUT: &str = "stdin";

/// What stops the opening of an input.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// There is no such file or folder.
    #[error("there is no file or folder {}: check the path, or give - for standard input", path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The user may not read it.
    #[error("this user may not read {}: change its permissions, or run as a user who may", path.display())]
    Forbidden {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be opened or listed for another reason.
    #[error("cannot open {}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder holds more files than are kept track of.
    #[error("the folder {} holds more than {MAX_FILES} files: give its parts one after another", path.display())]
    TooMany {
        /// The folder as given.
        path: PathBuf,
    },
}

impl InputError {
    fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => InputError::Missing { path },
            io::ErrorKind::PermissionDenied => InputError::Forbidden { path, source },
            _ => InputError::Open { path, source },
        }
    }
}

/// Where the bytes of an input come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// Standard input, given as `-`.
    Stdin,
}

impl Place {
    /// The name that locators and problems begin with: the path as given, control bytes escaped, or `stdin`.
    pub fn name(&self) -> String {
        match self {
            Place::File(path) => readable(path),
            Place::Stdin => STANDARD_INPUT.to_owned(),
        }
    }

    /// Opens it.
    ///
    /// Errors: those of the file system, as [`InputError`]. A file that is damaged opens, and fails when it is read.
    pub fn open(&self) -> Result<Opened, InputError> {
        match self {
            Place::File(path) => {
                let file = File::open(path).map_err(|error| InputError::new(path, error))?;
                let about = file.metadata().map_err(|error| InputError::new(path, error))?;
                let mut opened =
                    Opened::from_reader(&self.name(), file).map_err(|error| InputError::new(path, error))?;
                opened.raw_size = about.is_file().then_some(about.len());
                Ok(opened)
            }
            Place::Stdin => Opened::from_reader(STANDARD_INPUT, io::stdin())
                .map_err(|error| InputError::new(Path::new(STANDARD_INPUT), error)),
        }
    }
}

fn readable(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.contains(char::is_control) {
        text.escape_debug().to_string()
    } else {
        text.into_owned()
    }
}

/// What a path that was given stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The inputs, those of a folder in the order of their names.
    pub places: Vec<Place>,
    /// What was passed over, each with a reason.
    pub problems: Vec<Problem>,
}

/// Lists what `path` stands for: itself, standard input for `-`, or every file below it.
///
/// In folders, symbolic links are not followed (so nothing outside is read, and nothing twice), hidden entries and
/// anything but files and folders are passed over, and folders deeper than 16 are not entered; each is noted. A link that
/// was itself given is followed.
///
/// Errors: [`InputError`] when `path` itself cannot be looked at or holds more than a million files. A folder within that
/// cannot be listed is a problem.
pub fn list_places(path: &Path) -> Result<Listed, InputError> {
    let mut listed = Listed::default();
    if path == Path::new("-") {
        listed.places.push(Place::Stdin);
        return Ok(listed);
    }
    let about = fs::metadata(path).map_err(|error| InputError::new(path, error))?;
    if !about.is_dir() {
        listed.places.push(Place::File(path.to_owned()));
        return Ok(listed);
    }
    fs::read_dir(path).map_err(|error| InputError::new(path, error))?;
    // The rest of the walk, in reverse order: the last one is next.
    let mut ahead = vec![(path.to_owned(), 0)];
    while let Some((entry, depth)) = ahead.pop() {
        // What was given itself was already looked at, and may be a link.
        let kind = if depth == 0 {
            Ok(about.file_type())
        } else {
            kind_of(&entry)
        };
        let kind = match kind {
            Ok(kind) => kind,
            Err(error) => {
                let why = format!("it cannot be looked at: {}", error.kind());
                listed.problems.push(passed_over(&entry, &why));
                continue;
            }
        };
        if kind.is_file() {
            if listed.places.len() == MAX_FILES {
                return Err(InputError::TooMany {
                    path: path.to_owned(),
                });
            }
            listed.places.push(Place::File(entry));
            continue;
        }
        if !kind.is_dir() {
            let what = if kind.is_symlink() {
                "it is a symbolic link"
            } else {
                "it is neither file nor folder"
            };
            listed.problems.push(passed_over(&entry, what));
            continue;
        }
        if depth > MAX_DEPTH {
            listed.problems.push(passed_over(
                &entry,
                &format!("it lies deeper than {MAX_DEPTH} folders"),
            ));
            continue;
        }
        let entries = fs::read_dir(&entry).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries: Vec<PathBuf> = match entries {
            Ok(entries) => entries.iter().map(fs::DirEntry::path).collect(),
            Err(error) => {
                listed.problems.push(passed_over(
                    &entry,
                    &format!("it cannot be listed: {}", error.kind()),
                ));
                continue;
            }
        };
        if ahead.len() + entries.len() > MAX_FILES {
            return Err(InputError::TooMany {
                path: path.to_owned(),
            });
        }
        entries.sort();
        for inner in entries.into_iter().rev() {
            let is_hidden = inner
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_hidden {
                listed.problems.push(passed_over(&inner, "it is hidden"));
            } else {
                ahead.push((inner, depth + 1));
            }
        }
    }
    listed.problems.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(listed)
}

fn kind_of(path: &Path) -> io::Result<fs::FileType> {
    fs::symlink_metadata(path).map(|about| about.file_type())
}

fn passed_over(path: &Path, why: &str) -> Problem {
    Problem::remark(&readable(path), None, format!("passed over: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Packing;

    #[test]
    fn a_folder_is_walked_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/deep")).unwrap();
        for name in ["c.txt", "a.txt", "b/deep/z.gz", "b/y.txt", ".hidden"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let mut deepest = root.join("d");
        for _ in 0..20 {
            deepest.push("d");
        }
        fs::create_dir_all(&deepest).unwrap();
        fs::write(deepest.join("unseen"), "x").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        let listed = list_places(root).unwrap();
        let names: Vec<String> = listed
            .places
            .iter()
            .map(|place| place.name().replace(&readable(root), ""))
            .collect();
        assert_eq!(names, ["/a.txt", "/b/deep/z.gz", "/b/y.txt", "/c.txt"]);
        let problems: Vec<&str> = listed
            .problems
            .iter()
            .map(|problem| problem.what.as_str())
            .collect();
        assert!(problems.contains(&"passed over: it is hidden"));
        assert!(problems.contains(&"passed over: it lies deeper than 16 folders"));
        #[cfg(unix)]
        assert!(problems.contains(&"passed over: it is a symbolic link"));
    }

    #[test]
    fn paths_and_their_errors() {
        assert_eq!(list_places(Path::new("-")).unwrap().places, [Place::Stdin]);
        let words = list_places(Path::new("/no/such")).unwrap_err().to_string();
        assert_eq!(
            words,
            "there is no file or folder /no/such: check the path, or give - for standard input"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        fs::write(&path, b"\x1f\x8b\x08 and so on").unwrap();
        let listed = list_places(&path).unwrap();
        let opened = listed.places[0].open().unwrap();
        assert_eq!((opened.packing, opened.raw_size), (Packing::Gzip, Some(13)));
        assert_eq!(
            opened.raw_bytes_read().load(std::sync::atomic::Ordering::Relaxed),
            13
        );
    }
}
