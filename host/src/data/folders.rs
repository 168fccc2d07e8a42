//! Directories with a folder for each class: which file is of which class and in which part.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::arrays::part_of_name;
use super::problem::Problem;
use super::split::{self, CRC, Part, Rule};
use crate::error::{Error, Result};

/// What a directory holds, by name, in the order of the names; hidden files and those that systems leave are left out.
pub(super) struct Entries {
    pub(super) files: Vec<String>,
    pub(super) folders: Vec<String>,
}

impl Entries {
    pub(super) fn of(directory: &Path) -> Result<Self> {
        let fail = |cause| Error::Read { path: directory.to_path_buf(), cause };
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_left = name.starts_with('.')
                || ["__macosx", "thumbs.db", "desktop.ini"].contains(&name.to_ascii_lowercase().as_str());
            if is_left {
                continue;
            }
            // Through links.
            if entry.path().is_dir() { folders.push(name) } else { files.push(name) }
        }
        files.sort_unstable();
        folders.sort_unstable();
        Ok(Self { files, folders })
    }
}

/// The files of all classes, in the order of their parts, then of their classes, then of their names.
pub(super) struct Tree {
    pub(super) classes: Vec<String>,
    pub(super) files: Vec<File>,
    /// How many files each part has, if the directory has parts; without those that validate if it has none.
    pub(super) given: Option<[usize; 3]>,
}

/// A file that is a sample.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) class: u16,
    pub(super) part: Part,
}

impl Tree {
    /// Walks through a directory.
    pub(super) fn of(directory: &Path) -> Result<Self> {
        let folders = Entries::of(directory)?.folders;
        let named: Option<Vec<Part>> = folders.iter().map(|name| part_of_name(name)).collect();
        // A folder `train` alone holds all there is.
        let tops: Vec<(Option<Part>, PathBuf)> = match named {
            Some(parts) => parts.iter().zip(&folders).map(|(part, name)| (Some(*part), directory.join(name))).collect(),
            None => vec![(None, directory.to_path_buf())],
        };
        let has_parts = tops.len() > 1;
        let mut classes = BTreeSet::new();
        let mut found = Vec::new();
        for (part, top) in &tops {
            for class in Entries::of(top)?.folders {
                let folder = top.join(&class);
                let entries = Entries::of(&folder)?;
                if let Some(inner) = entries.folders.first() {
                    return Err(Problem::Nested.of(&folder.join(inner)));
                }
                found.extend(entries.files.into_iter().map(|name| (*part, class.clone(), folder.join(&name), name)));
                classes.insert(class);
            }
        }
        let classes: Vec<String> = classes.into_iter().collect();
        if classes.len() > usize::from(u16::MAX) {
            return Err(Problem::TooManyClasses { most: usize::from(u16::MAX) }.of(directory));
        }
        if found.is_empty() {
            return Err(Problem::Empty.of(directory));
        }
        found.sort_by(|a, b| (a.0, &a.1, &a.3).cmp(&(b.0, &b.1, &b.3)));
        let given = has_parts.then(|| {
            [Part::Train, Part::Validation, Part::Test]
                .map(|part| found.iter().filter(|file| file.0 == Some(part)).count())
        });
        if given.is_some_and(|[train, ..]| train == 0) {
            return Err(Problem::Partner {
                missing: "folder train, with the classes' folders and their files,".into(),
            }
            .of(directory));
        }
        // Files of several classes may have the same names.
        let hash = |file: usize| CRC.checksum(format!("{}/{}", found[file].1, found[file].3).as_bytes());
        let parts = split::parts(found.len(), given, Rule::Hash, hash);
        let file = |((_, class, path, _), part): ((_, String, _, _), Part)| {
            let class = classes.binary_search(&class).unwrap_or(0) as u16;
            File { path, class, part }
        };
        let mut files: Vec<File> = found.into_iter().zip(parts).map(file).collect();
        files.sort_by_key(|file| file.part);
        Ok(Self { classes, files, given })
    }

    /// How many files are of a part.
    pub(super) fn count(&self, part: Part) -> usize {
        self.files.iter().filter(|file| file.part == part).count()
    }
}
