//! The IDX format of MNIST's files: `00 00 08 rank`, then each dimension as a big-endian `u32`, then the bytes. Files
//! may be compressed by gzip, which is told by their contents, not their names. Nothing a header claims is believed
//! before the bytes have come.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Image;
use crate::error::{Error, Result};
use crate::file::{beginning, write_atomically};

const BYTES: u8 = 0x08;
const SIDE: u32 = 28;

/// Memory set aside at the word of a header: MNIST's training images fit exactly, and a false header costs no more.
const TRUSTED_ITEMS: usize = 65_536;

/// A file being read, decompressed if need be.
struct Idx {
    reader: Box<dyn BufRead>,
    path: PathBuf,
    is_gzip: bool,
    /// Decompressed bytes read so far.
    offset: u64,
    /// Decompressed bytes there must be, as far as the header has told.
    needed: u64,
}

impl Idx {
    /// Opens a file and reads its header of `rank` dimensions up to the number of items, which is returned.
    fn open(path: &Path, rank: u8) -> Result<(Self, usize)> {
        let fail = |cause| Error::Read { path: path.to_path_buf(), cause };
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(fail)?);
        let is_gzip = file.fill_buf().map_err(fail)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> =
            if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        let mut idx = Self { reader, path: path.to_path_buf(), is_gzip, offset: 0, needed: 4 + 4 * u64::from(rank) };

        let magic = idx.u32()?.to_be_bytes();
        idx.check_magic(magic, rank)?;
        let count = idx.u32()?;
        if count == 0 {
            return Err(Error::EmptyData { path: idx.path });
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok((idx, count))
    }

    fn check_magic(&self, magic: [u8; 4], rank: u8) -> Result<()> {
        let path = self.path.clone();
        match magic {
            [0, 0, BYTES, found] if found == rank => Ok(()),
            [0, 0, BYTES, found @ 1..=8] => Err(Error::IdxRank { path, found, expected: rank }),
            [0, 0, found @ (0x09 | 0x0b..=0x0e), 1..=8] => Err(Error::IdxElement { path, found }),
            _ => Err(Error::NotIdx { path, found: beginning(&magic) }),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => {
                    let Self { path, offset, needed, .. } = self;
                    return Err(Error::Truncated { path: path.clone(), offset: *offset, needed: *needed });
                }
                Ok(count) => {
                    filled += count;
                    self.offset += count as u64;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failure(cause)),
            }
        }
        Ok(())
    }

    fn u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// Checks that nothing follows; for gzip this also compares the checksum.
    fn end(mut self) -> Result<()> {
        match self.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(Error::TrailingBytes { path: self.path, offset: self.offset }),
            Err(cause) => Err(self.failure(cause)),
        }
    }

    fn failure(&self, cause: io::Error) -> Error {
        let (path, offset) = (self.path.clone(), self.offset);
        match cause.kind() {
            io::ErrorKind::UnexpectedEof if self.is_gzip => Error::GzipTruncated { path, offset },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.is_gzip => {
                Error::GzipCorrupt { path, offset, cause }
            }
            _ => Error::Read { path, cause },
        }
    }
}

/// Reads the images of an IDX file, plain or gzip, while it is being decompressed.
pub(super) fn read_images(path: &Path) -> Result<Vec<Image>> {
    let (mut idx, count) = Idx::open(path, 3)?;
    let (rows, columns) = (idx.u32()?, idx.u32()?);
    if (rows, columns) != (SIDE, SIDE) {
        return Err(Error::ImageSize { path: idx.path, rows, columns });
    }
    idx.needed += count as u64 * size_of::<Image>() as u64;
    let mut images = Vec::new();
    images.reserve_exact(count.min(TRUSTED_ITEMS));
    for _ in 0..count {
        let mut image = [0; size_of::<Image>()];
        idx.fill(&mut image)?;
        images.push(image);
    }
    idx.end()?;
    Ok(images)
}

/// Reads the labels of an IDX file, plain or gzip.
pub(super) fn read_labels(path: &Path) -> Result<Vec<u8>> {
    let (mut idx, count) = Idx::open(path, 1)?;
    idx.needed += count as u64;
    let mut labels = Vec::new();
    labels.reserve_exact(count.min(TRUSTED_ITEMS));
    for _ in 0..count {
        let mut label = [0];
        idx.fill(&mut label)?;
        if label[0] > 9 {
            return Err(Error::LabelRange { path: idx.path, offset: idx.offset - 1, label: label[0] });
        }
        labels.push(label[0]);
    }
    idx.end()?;
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
pub fn write_idx_labels(path: &Path, labels: &[u8]) -> Result<()> {
    write(path, labels.len(), &[], labels)
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
