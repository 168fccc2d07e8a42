//! Finds out by its contents what a file or a directory is, and reads it.

use std::path::Path;

use super::arrays::{self, Files, Pair};
use super::folders::Entries;
use super::problem::Problem;
use super::set::{Data, Targets, Values};
use super::source::{Source, refuse_pipe};
use super::split::{Part, Rule};
use super::targets::Kind;
use super::{cifar, csv, folder, idx, npy, pickle, windows};
use crate::architecture::Shape;
use crate::error::Result;
use crate::file::beginning;
use crate::pixels::is_picture;

/// How data are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Exchange rows and columns of each image: EMNIST's need it.
    pub transpose: bool,
    /// The column of a table that is the label, by its name or its number from 1. Else it is one that is called `label`,
    /// `class` or `target`, or the last.
    pub label: Option<String>,
    /// What a sample is to be: the network's input. Pictures are scaled to it, and made gray or coloured; other data must
    /// have this many values. Without it, a sample is what it is, and pictures must have one size.
    pub shape: Option<Shape>,
    /// What the targets are. Without it, texts and a few different whole numbers are classes, and others are numbers.
    pub targets: Option<Kind>,
}

/// Reads data of any kind that is known: IDX files, CSV tables, NumPy's `.npz` and `.npy`, CIFAR-10's binary files, the
/// book's pickle, or a folder of pictures or of CSV windows for each class. What it is is found out by its contents.
///
/// # Errors
///
/// [`Error::Data`](crate::error::Error::Data), and those of reading files, with the file, the place in it, what is wrong,
/// and what to do about it.
pub fn open(path: &Path, options: &Options) -> Result<Data> {
    if path.is_dir() {
        open_directory(path, options)
    } else if path.exists() {
        refuse_pipe(path)?;
        open_file(path, options)
    } else {
        Err(Problem::Missing.of(path))
    }
}

/// What a file is, by its first bytes.
enum Format {
    Idx,
    Npy,
    Npz,
    Pickle,
    Picture,
    Text,
}

impl Format {
    fn of(bytes: &[u8]) -> Option<Self> {
        if idx::is_idx(bytes) {
            Some(Self::Idx)
        } else if bytes.starts_with(npy::MAGIC) {
            Some(Self::Npy)
        } else if bytes.starts_with(b"PK") {
            Some(Self::Npz)
        } else if is_picture(bytes) {
            Some(Self::Picture)
        } else if bytes.starts_with(&[0x80]) || bytes.starts_with(b"((") || bytes.starts_with(b"(lp") {
            Some(Self::Pickle)
        } else if is_text(bytes) {
            Some(Self::Text)
        } else {
            None
        }
    }
}

/// Whether bytes, the last of which may be cut off, look like a table.
fn is_text(bytes: &[u8]) -> bool {
    let is_cut = |error: std::str::Utf8Error| error.error_len().is_none();
    let is_utf8 = std::str::from_utf8(bytes).map_or_else(is_cut, |_| true);
    // A table may have letters of another coding, whose place is told later; it has no control characters.
    let is_plain = |byte: u8| byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r');
    !bytes.is_empty()
        && bytes.iter().all(|&byte| is_plain(byte))
        && !bytes.starts_with(b"<")
        && (is_utf8 || bytes.contains(&b'\n'))
}

fn open_file(path: &Path, options: &Options) -> Result<Data> {
    let mut source = Source::open(path)?;
    let first = source.peek()?;
    let Some(format) = Format::of(first) else {
        return Err(Problem::Unknown { found: beginning(first) }.of(path));
    };
    match format {
        Format::Idx | Format::Npy => open_pair(path, options),
        Format::Npz => {
            let mut archive = npy::Archive::open(path)?;
            let pairs = arrays::pairs(path, &archive.names, false)?;
            if pairs.is_empty() {
                let names = archive.names.join(", ");
                let found = if names.is_empty() { "none at all".into() } else { names };
                return Err(Problem::Arrays { found }.of(path));
            }
            arrays::read(&mut archive, &pairs, "NumPy arrays", Rule::Hash, options)
        }
        Format::Pickle => open_pickle(path, options),
        Format::Picture => Err(Problem::OnePicture.of(path)),
        Format::Text => csv::read(&[(None, path)], options),
    }
}

/// The array of this file and its partner beside it.
fn open_pair(path: &Path, options: &Options) -> Result<Data> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let partner = arrays::partner(&name);
    let packed = match partner.strip_suffix(".gz") {
        Some(plain) => plain.to_owned(),
        None => format!("{partner}.gz"),
    };
    let found = [partner.clone(), packed].into_iter().find(|name| directory.join(name).is_file());
    let Some(partner) = found.filter(|partner| *partner != name) else {
        return Err(Problem::Partner { missing: partner }.of(path));
    };
    open_arrays(directory, &[name, partner], options)
}

/// IDX or `.npy` files.
fn open_arrays(directory: &Path, names: &[String], options: &Options) -> Result<Data> {
    let is_npy = names.iter().any(|name| name.ends_with(".npy"));
    let pairs: Vec<Pair> = arrays::pairs(directory, names, !is_npy)?;
    if is_npy {
        arrays::read(&mut Files { directory, header: npy::header }, &pairs, "NumPy arrays", Rule::Hash, options)
    } else {
        let mut data =
            arrays::read(&mut Files { directory, header: idx::header }, &pairs, "IDX files", Rule::LastSixth, options)?;
        idx::name_classes(directory, &mut data)?;
        Ok(data)
    }
}

/// The book's pickle. Its images that validate come after those to train on.
fn open_pickle(path: &Path, options: &Options) -> Result<Data> {
    let mnist = pickle::load(path)?;
    let (train, test) = (mnist.train, mnist.test);
    let given = [train.len(), 0, test.len()];
    let labels = train.labels.iter().chain(&test.labels).copied().collect();
    let mut images = train.images;
    images.reserve_exact(test.images.len());
    images.extend_from_slice(&test.images);
    let classes = (0..super::CLASSES).map(|class| class.to_string()).collect();
    let found = super::targets::Found { targets: Targets::Classes(labels), classes, notes: Vec::new() };
    let values = Values::Bytes(images.into_flattened());
    let shape = Shape::Image { height: 28, width: 28, channels: 1 };
    let mut data = arrays::finish(path, shape, values, found, Some(given), Rule::LastSixth, options)?;
    data.found = "the book's pickle, as bytes".into();
    Ok(data)
}

fn open_directory(path: &Path, options: &Options) -> Result<Data> {
    let Entries { files, folders } = Entries::of(path)?;
    if cifar::is_cifar(&files) {
        return cifar::read(path, &files, options);
    }
    let mut arrays: Vec<String> = files.iter().filter(|name| is_array(path, name)).cloned().collect();
    // A file may stand beside the archive that it came from.
    arrays.retain(|name| !name.strip_suffix(".gz").is_some_and(|plain| files.iter().any(|file| file == plain)));
    arrays.extend(unpacked(path, &folders, &arrays)?);
    if !arrays.is_empty() {
        return open_arrays(path, &arrays, options);
    }
    let with_end = |ends: &[&str]| -> Vec<&String> {
        files.iter().filter(|name| ends.iter().any(|end| name.to_lowercase().ends_with(end))).collect()
    };
    if let [archive] = with_end(&[".npz"])[..] {
        return open_file(&path.join(archive), options);
    }
    // Beside the folders of classes may stand a table that tells about them.
    let mut tables = with_end(&[".csv", ".tsv", ".csv.gz", ".tsv.gz"]);
    tables.retain(|name| folders.is_empty() || part_of_table(name).is_some());
    if !tables.is_empty() {
        return open_tables(path, &tables, options);
    }
    if folders.is_empty() {
        return match with_end(&[".pkl", ".pkl.gz", ".data", ".txt"])[..] {
            [only] => open_file(&path.join(only), options),
            _ => Err(Problem::UnknownDirectory.of(path)),
        };
    }
    // The first file decides; whichever does not go with it is told.
    let tree = super::folders::Tree::of(path)?;
    let first = &tree.files[0].path;
    let mut source = Source::open(first)?;
    match Format::of(source.peek()?) {
        Some(Format::Picture | Format::Text) if options.targets == Some(Kind::Numbers) => {
            let text = tree.classes.first().cloned().unwrap_or_default();
            Err(Problem::NotNumber { text }.of(path))
        }
        Some(Format::Picture) => folder::read(path, tree, options),
        Some(Format::Text) => windows::read(path, tree, options),
        _ => Err(Problem::NotPicture { found: beginning(source.peek()?) }.of(first)),
    }
}

/// The IDX files that unpackers have put into folders of their names, such as
/// `train-images-idx3-ubyte/train-images.idx3-ubyte`, but for those that lie beside their folder, too.
fn unpacked(directory: &Path, folders: &[String], beside: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in folders.iter().filter(|name| name.contains("idx") && arrays::is_known(name, true)) {
        if beside.iter().any(|name| arrays::stem(name) == arrays::stem(folder)) {
            continue;
        }
        let files = Entries::of(&directory.join(folder))?.files;
        let own = files.iter().find(|name| arrays::stem(name) == arrays::stem(folder));
        found.extend(own.map(|name| format!("{folder}/{name}")));
    }
    Ok(found)
}

/// Whether a directory's file holds an array of samples or of targets.
fn is_array(directory: &Path, name: &str) -> bool {
    if name.ends_with(".npy") {
        return arrays::is_known(name, false);
    }
    let is_idx = || Source::open(&directory.join(name)).is_ok_and(|mut file| file.peek().is_ok_and(idx::is_idx));
    arrays::is_known(name, true) && (name.contains("idx") || is_idx())
}

/// The part that a table is named after.
fn part_of_table(name: &str) -> Option<Part> {
    arrays::part_of_name(name.split('.').next().unwrap_or(name))
}

/// Tables named after their parts, or one alone.
fn open_tables(directory: &Path, names: &[&String], options: &Options) -> Result<Data> {
    let paths: Vec<_> = names.iter().map(|name| directory.join(name)).collect();
    let mut tables: Vec<_> =
        names.iter().zip(&paths).map(|(name, path)| (part_of_table(name), path.as_path())).collect();
    if tables.len() > 1 {
        tables.retain(|(part, _)| part.is_some());
        tables.sort();
        if let Some(pair) = tables.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let [first, second] = [pair[0].1, pair[1].1].map(|path| path.display().to_string());
            let what = pair[0].0.map_or_else(String::new, |part| format!("{part} table"));
            return Err(Problem::Ambiguous { what, first, second }.of(directory));
        }
    }
    match tables[..] {
        [] => Err(Problem::UnknownDirectory.of(directory)),
        [(Some(Part::Train) | None, _)] => csv::read(&tables, options),
        [(Some(Part::Train), _), ..] => csv::read(&tables, options),
        _ => Err(Problem::Partner { missing: "train.csv".into() }.of(directory)),
    }
}
