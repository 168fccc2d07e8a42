//! A file of a data set while it is read: decompressed if need be, its place known. Files may be compressed by gzip,
//! which is told by their contents, not their names.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

use super::problem::Problem;
use crate::error::{Error, Result};
use crate::memory::Budget;

/// How much longer its contents can be than a compressed file: deflate's limit.
const MOST_PACKED: u64 = 1032;

/// How the contents of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zip,
}

/// A file being read, decompressed if need be.
pub(super) struct Source<'a> {
    reader: Box<dyn BufRead + 'a>,
    /// Its name, for messages.
    pub(super) path: PathBuf,
    packing: Packing,
    /// Bytes of the file, or of the part of an archive, as it lies on the disk.
    pub(super) length: u64,
    /// Its contents are not longer than this.
    limit: u64,
    /// For its contents.
    budget: Budget,
    /// Decompressed bytes read so far.
    pub(super) offset: u64,
    /// Decompressed bytes there must be, as far as the file has told.
    pub(super) needed: u64,
}

/// Refuses what can be read but once, such as a pipe: data are looked at first and read then, some from several files.
///
/// # Errors
///
/// [`Problem::Pipe`].
pub(super) fn refuse_pipe(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => Err(Problem::Pipe.of(path)),
        _ => Ok(()),
    }
}

/// The contents of a gzip file: those of its members, one after another. Zeros behind a member only fill a block of a
/// tape or of a disk, and are skipped, as gzip(1) does.
struct Gzip<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut rest) = self.0.take().map(GzDecoder::into_inner) else { break };
            self.0 = skip_zeros(&mut rest)?.then(|| GzDecoder::new(rest));
        }
        Ok(0)
    }
}

/// Reads up to what is not zero; whether there is such a thing.
fn skip_zeros(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = reader.fill_buf()?;
        let (length, zeros) = (bytes.len(), bytes.iter().take_while(|&&byte| byte == 0).count());
        reader.consume(zeros);
        if zeros < length || length == 0 {
            return Ok(length > 0);
        }
    }
}

impl<'a> Source<'a> {
    /// Opens a file, at its beginning.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let fail = |cause| Error::Read { path: path.to_path_buf(), cause };
        let file = File::open(path).map_err(fail)?;
        let length = file.metadata().map_err(fail)?.len();
        let mut file = BufReader::with_capacity(1 << 16, file);
        let (reader, packing, limit): (Box<dyn BufRead>, _, _) =
            if file.fill_buf().map_err(fail)?.starts_with(&[0x1f, 0x8b]) {
                let limit = length.saturating_mul(MOST_PACKED);
                (Box::new(BufReader::new(Gzip(Some(GzDecoder::new(file))))), Packing::Gzip, limit)
            } else {
                (Box::new(file), Packing::Plain, length)
            };
        let (path, budget) = (path.to_path_buf(), Budget::new(path, length));
        Ok(Self { reader, path, packing, length, limit, budget, offset: 0, needed: 0 })
    }

    /// A file of a zip archive, which takes `packed` bytes there and is said to have `length`.
    pub(super) fn of_archive(reader: impl Read + 'a, path: PathBuf, packed: u64, length: u64) -> Self {
        let reader = Box::new(BufReader::with_capacity(1 << 16, reader));
        let (limit, budget) = (packed.saturating_mul(MOST_PACKED).min(length), Budget::new(&path, packed));
        Self { reader, path, packing: Packing::Zip, length: packed, limit, budget, offset: 0, needed: 0 }
    }

    /// Whether it is compressed by gzip.
    pub(super) fn is_gzip(&self) -> bool {
        self.packing == Packing::Gzip
    }

    /// A header has said that so many bytes follow.
    ///
    /// # Errors
    ///
    /// That the file cannot hold so many, or may not, before memory is taken for them.
    pub(super) fn promise(&mut self, bytes: Option<u64>) -> Result<()> {
        self.needed = bytes.map_or(u64::MAX, |bytes| self.offset.saturating_add(bytes));
        if self.needed <= self.limit {
            return self.budget.check(self.needed);
        }
        let path = self.path.clone();
        Err(match self.packing {
            Packing::Plain => Error::Truncated { path, offset: self.limit, needed: self.needed },
            Packing::Gzip | Packing::Zip => {
                Problem::Promise { needed: self.needed, most: self.limit }.at(&path, "its header")
            }
        })
    }

    /// Some of the bytes that come next; none at the end.
    pub(super) fn peek(&mut self) -> Result<&[u8]> {
        // Asked twice, since the bytes are lent out where an error needs all of `self`.
        if let Err(cause) = self.reader.fill_buf() {
            return Err(self.failure(cause));
        }
        Ok(self.reader.fill_buf().unwrap_or_default())
    }

    /// Fills all of `buffer`.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => {
                    let Self { path, offset, needed, .. } = self;
                    return Err(Error::Truncated { path: path.clone(), offset: *offset, needed: *needed });
                }
                Ok(count) => {
                    filled += count;
                    self.advance(count)?;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failure(cause)),
            }
        }
        Ok(())
    }

    /// So many bytes have come.
    fn advance(&mut self, count: usize) -> Result<()> {
        self.offset += count as u64;
        self.budget.check(self.offset)
    }

    /// Checks that nothing follows; for gzip this also compares the checksum.
    pub(super) fn end(mut self) -> Result<()> {
        match self.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(Error::TrailingBytes { path: self.path, offset: self.offset }),
            Err(cause) => Err(self.failure(cause)),
        }
    }

    fn failure(&self, cause: io::Error) -> Error {
        let (path, offset) = (self.path.clone(), self.offset);
        match cause.kind() {
            io::ErrorKind::UnexpectedEof if self.is_gzip() => Error::GzipTruncated { path, offset },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.is_gzip() => {
                Error::GzipCorrupt { path, offset, cause }
            }
            _ if self.packing == Packing::Zip => {
                Problem::Archive { cause: cause.to_string() }.at(&path, format_args!("byte {offset}"))
            }
            _ => Error::Read { path, cause },
        }
    }
}

/// For readers of others. Failures are [`Error`]s inside; [`failure`] takes them out.
impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer).map_err(|cause| match cause.kind() {
            io::ErrorKind::Interrupted => cause,
            _ => io::Error::other(self.failure(cause)),
        })?;
        self.advance(count).map_err(io::Error::other)?;
        Ok(count)
    }
}

/// The error inside of one that came through a reader of others.
pub(super) fn failure(path: &Path, cause: io::Error) -> Error {
    match cause.downcast::<Error>() {
        Ok(error) => error,
        Err(cause) => Error::Read { path: path.to_path_buf(), cause },
    }
}
