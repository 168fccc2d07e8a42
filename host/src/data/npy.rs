//! NumPy's arrays: `.npy` files, and `.npz` archives of them. A header says the type of the numbers, their order and the
//! dimensions, as the text of a Python dictionary. Arrays of Python objects are pickles, which may execute anything;
//! they are refused.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::array::{Element, Header};
use super::arrays::Arrays;
use super::problem::Problem;
use super::source::Source;
use crate::error::{Error, Result};

/// What every array begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// A header of an array of numbers is far shorter.
const LONGEST_HEADER: usize = 10_000;

/// The arrays of an `.npz` archive.
pub(super) struct Archive {
    archive: ZipArchive<BufReader<File>>,
    path: PathBuf,
    /// Their names, each without `.npy`.
    pub(super) names: Vec<String>,
}

impl Archive {
    /// Opens an archive and reads the names of its arrays.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|cause| Error::Read { path: path.to_path_buf(), cause })?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|cause| damaged(cause).of(path))?;
        let name = |index| Some(archive.name_for_index(index)?.ok()?.strip_suffix(".npy")?.to_owned());
        let names = (0..archive.len()).filter_map(name).collect();
        Ok(Self { archive, path: path.to_path_buf(), names })
    }
}

impl Arrays for Archive {
    fn open(&mut self, name: &str) -> Result<(Source<'_>, Header)> {
        let file = format!("{name}.npy");
        let path = self.path.join(&file);
        let entry = self.archive.by_name(&file).map_err(|cause| damaged(cause).of(&path))?;
        let (packed, length) = (entry.compressed_size(), entry.size());
        let mut source = Source::of_archive(entry, path, packed, length);
        let header = header(&mut source)?;
        Ok((source, header))
    }
}

fn damaged(cause: ZipError) -> Problem {
    Problem::Archive { cause: cause.to_string() }
}

/// Reads an array up to its numbers.
pub(super) fn header(source: &mut Source<'_>) -> Result<Header> {
    let mut start = [0; 8];
    source.needed = 10;
    source.fill(&mut start)?;
    let fail = |source: &Source<'_>, what: String| Err(Problem::Header { what }.of(&source.path));
    let length = match start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => {
            let mut length = [0; 2];
            source.fill(&mut length)?;
            u16::from_le_bytes(length).into()
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => {
            let mut length = [0; 4];
            source.needed = 12;
            source.fill(&mut length)?;
            u32::from_le_bytes(length) as usize
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', version, _] => {
            return fail(source, format!("it is of version {version}, and 1 to 3 are known"));
        }
        _ => return fail(source, "it does not begin as NumPy's arrays do".into()),
    };
    if length > LONGEST_HEADER {
        return fail(source, format!("it is {length} bytes long"));
    }
    let mut text = vec![0; length];
    source.needed = source.offset + length as u64;
    source.fill(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    match (Dictionary { rest: &text }).header() {
        Some(Ok(header)) => Ok(header),
        Some(Err(problem)) => Err(problem.of(&source.path)),
        None => fail(source, format!("{:?} is no dictionary of descr, fortran_order and shape", text.trim_end())),
    }
}

/// The text of a header, as far as it is not read yet.
struct Dictionary<'a> {
    rest: &'a str,
}

impl<'a> Dictionary<'a> {
    /// The header; none if it cannot be read.
    fn header(mut self) -> Option<std::result::Result<Header, Problem>> {
        let (mut descr, mut is_by_columns, mut dimensions) = (None, None, None);
        self.take('{')?;
        while self.take('}').is_none() {
            let key = self.string()?;
            self.take(':')?;
            match key {
                // A list describes records of several fields.
                "descr" if self.take('[').is_some() => {
                    return Some(Err(Problem::NotNumbers { what: "the array holds records of several fields".into() }));
                }
                "descr" => descr = Some(self.string()?),
                "fortran_order" => is_by_columns = Some(self.word()? == "True"),
                "shape" => dimensions = Some(self.tuple()?),
                _ => return None,
            }
            if self.take(',').is_none() {
                self.take('}')?;
                break;
            }
        }
        let (is_by_columns, dimensions) = (is_by_columns?, dimensions?);
        Some(element(descr?).map(|(element, is_little_endian)| Header {
            dimensions,
            element,
            is_little_endian,
            is_by_columns,
        }))
    }

    fn take(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(sign)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|sign| matches!(sign, '\'' | '"'))?;
        let (text, rest) = rest[1..].split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        Some(word).filter(|word| !word.is_empty())
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        self.take('(')?;
        let mut numbers = Vec::new();
        while self.take(')').is_none() {
            // Python 2 wrote long numbers with an L.
            numbers.push(self.word()?.trim_end_matches('L').parse().ok()?);
            if self.take(',').is_none() {
                self.take(')')?;
                break;
            }
        }
        Some(numbers)
    }
}

/// The type that a text such as `<f4` means, and whether it is little-endian.
fn element(descr: &str) -> std::result::Result<(Element, bool), Problem> {
    let is_little_endian = !descr.starts_with('>');
    let element = match descr.trim_start_matches(['<', '>', '|', '=']) {
        "b1" | "u1" => Element::U8,
        "i1" => Element::I8,
        "u2" => Element::U16,
        "i2" => Element::I16,
        "u4" => Element::U32,
        "i4" => Element::I32,
        "u8" => Element::U64,
        "i8" => Element::I64,
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        other => {
            let what = match other.chars().next() {
                Some('O') => "the array holds Python objects as a pickle, which may execute anything".into(),
                Some('U' | 'S') => format!("the array holds texts ({descr})"),
                Some('c') => format!("the array holds complex numbers ({descr})"),
                _ => format!("the array is of type {descr:?}"),
            };
            return Err(Problem::NotNumbers { what });
        }
    };
    Ok((element, is_little_endian))
}
