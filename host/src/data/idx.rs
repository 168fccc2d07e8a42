//! The IDX format of MNIST's files: `00 00 type rank`, then each dimension as a big-endian `u32`, then the numbers, of
//! type 8 if they are bytes. Files may be compressed by gzip, which is told by their contents, not their names. What a
//! header claims is believed as far as the file can hold it, and may.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Image;
use super::array::{Element, Header};
use super::folders::Entries;
use super::set::Data;
use super::source::Source;
use crate::error::{Error, Result};
use crate::file::{beginning, write_atomically};
use crate::memory::Budget;

const BYTES: u8 = 0x08;
const SIDE: u32 = 28;

/// Whether a file begins as IDX files do.
pub(super) fn is_idx(beginning: &[u8]) -> bool {
    matches!(beginning, [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=8, ..])
}

/// Names the classes after the characters that EMNIST's `…-mapping.txt` gives for the labels, if there is one beside the
/// files: a line for each label, with the codes of its characters after it.
pub(super) fn name_classes(directory: &Path, data: &mut Data) -> Result<()> {
    let files = Entries::of(directory)?.files;
    let mut mappings = files.iter().filter(|name| name.ends_with("-mapping.txt"));
    let (Some(name), None) = (mappings.next(), mappings.next()) else { return Ok(()) };
    let path = directory.join(name);
    let text = fs::read_to_string(&path).map_err(|cause| Error::Read { path, cause })?;
    let character = |line: &str| {
        let mut words = line.split_whitespace();
        let (label, code) = (words.next()?, words.next()?.parse().ok()?);
        Some((label.to_owned(), char::from_u32(code)?.to_string()))
    };
    let names: HashMap<String, String> = text.lines().filter_map(character).collect();
    let found: Option<Vec<String>> = data.classes.iter().map(|label| names.get(label).cloned()).collect();
    if let Some(found) = found.filter(|found| !found.is_empty()) {
        data.classes = found;
        data.notes.push(format!("the names of the classes are those of {name}"));
    }
    Ok(())
}

/// Reads the header: the type of the numbers and all dimensions.
pub(super) fn header(source: &mut Source<'_>) -> Result<Header> {
    source.needed = 4;
    let magic = u32(source)?.to_be_bytes();
    let element = match magic {
        [0, 0, BYTES, _] => Element::U8,
        [0, 0, 0x09, _] => Element::I8,
        [0, 0, 0x0b, _] => Element::I16,
        [0, 0, 0x0c, _] => Element::I32,
        [0, 0, 0x0d, _] => Element::F32,
        [0, 0, 0x0e, _] => Element::F64,
        _ => return Err(Error::NotIdx { path: source.path.clone(), found: beginning(&magic) }),
    };
    let rank = magic[3];
    if !(1..=8).contains(&rank) {
        return Err(Error::NotIdx { path: source.path.clone(), found: beginning(&magic) });
    }
    source.needed = 4 + 4 * u64::from(rank);
    let dimensions = (0..rank).map(|_| Ok(u32(source)? as usize)).collect::<Result<_>>()?;
    Ok(Header { dimensions, element, is_little_endian: false, is_by_columns: false })
}

/// Opens a file and reads its header of `rank` dimensions up to the number of items, which is returned.
fn open(path: &Path, rank: u8) -> Result<(Source<'static>, usize)> {
    let mut source = Source::open(path)?;
    source.needed = 4 + 4 * u64::from(rank);
    let magic = u32(&mut source)?.to_be_bytes();
    check_magic(path, magic, rank)?;
    let count = u32(&mut source)?;
    if count == 0 {
        return Err(Error::EmptyData { path: path.to_path_buf() });
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok((source, count))
}

fn check_magic(path: &Path, magic: [u8; 4], rank: u8) -> Result<()> {
    let path = path.to_path_buf();
    match magic {
        [0, 0, BYTES, found] if found == rank => Ok(()),
        [0, 0, BYTES, found @ 1..=8] => Err(Error::IdxRank { path, found, expected: rank }),
        [0, 0, found @ (0x09 | 0x0b..=0x0e), 1..=8] => Err(Error::IdxElement { path, found }),
        _ => Err(Error::NotIdx { path, found: beginning(&magic) }),
    }
}

fn u32(source: &mut Source<'_>) -> Result<u32> {
    let mut bytes = [0; 4];
    source.fill(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Reads the images of an IDX file, plain or gzip, while it is being decompressed.
pub(super) fn read_images(path: &Path) -> Result<Vec<Image>> {
    let (mut source, count) = open(path, 3)?;
    let (rows, columns) = (u32(&mut source)?, u32(&mut source)?);
    if (rows, columns) != (SIDE, SIDE) {
        return Err(Error::ImageSize { path: path.to_path_buf(), rows, columns });
    }
    source.promise((count as u64).checked_mul(size_of::<Image>() as u64))?;
    let mut images = Budget::new(path, source.length).list(count)?;
    for _ in 0..count {
        let mut image = [0; size_of::<Image>()];
        source.fill(&mut image)?;
        images.push(image);
    }
    source.end()?;
    Ok(images)
}

/// Reads the labels of an IDX file, plain or gzip.
pub(super) fn read_labels(path: &Path) -> Result<Vec<u16>> {
    let (mut source, count) = open(path, 1)?;
    source.promise(Some(count as u64))?;
    let mut labels = Budget::new(path, source.length).list(count)?;
    for _ in 0..count {
        let mut label = [0];
        source.fill(&mut label)?;
        if label[0] > 9 {
            return Err(Error::LabelRange {
                path: path.to_path_buf(),
                offset: source.offset - 1,
                label: label[0].into(),
            });
        }
        labels.push(label[0].into());
    }
    source.end()?;
    Ok(labels)
}

/// Writes images as an IDX file, compressed if its name ends in `.gz`.
///
/// # Errors
///
/// Those of [`write_atomically`]; [`Error::Write`] also for more than `u32::MAX` images.
pub fn write_idx_images(path: &Path, images: &[Image]) -> Result<()> {
    write(path, images.len(), &[SIDE, SIDE], images.as_flattened())
}

/// Writes labels as an IDX file, compressed if its name ends in `.gz`.
///
/// # Errors
///
/// Those of [`write_atomically`]; [`Error::Write`] also for more than `u32::MAX` labels.
pub fn write_idx_labels(path: &Path, labels: &[u16]) -> Result<()> {
    let bytes: Vec<u8> = labels.iter().map(|&label| label as u8).collect();
    write(path, labels.len(), &[], &bytes)
}

fn write(path: &Path, count: usize, size: &[u32], bytes: &[u8]) -> Result<()> {
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    write_atomically(path, |file| {
        let count = u32::try_from(count).map_err(io::Error::other)?;
        let mut header = vec![0, 0, BYTES, 1 + size.len() as u8];
        for dimension in [&[count], size].concat() {
            header.extend(dimension.to_be_bytes());
        }
        if is_gzip {
            let mut encoder = GzEncoder::new(file, Compression::best());
            encoder.write_all(&header)?;
            encoder.write_all(bytes)?;
            encoder.finish()?;
            Ok(())
        } else {
            file.write_all(&header)?;
            file.write_all(bytes)
        }
    })
}
