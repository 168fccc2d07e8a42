//! A file of a data set while it is read: decompressed if need be, its place known. Files may be compressed by gzip,
//! which is told by their contents, not their names.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};

/// Memory set aside at the word of a header: MNIST's training images fit exactly, and a false header costs no more.
pub(super) const TRUSTED_ITEMS: usize = 65_536;

/// A file being read, decompressed if need be.
pub(super) struct Source {
    reader: Box<dyn BufRead>,
    /// Its name, for messages.
    pub(super) path: PathBuf,
    is_gzip: bool,
    /// Decompressed bytes read so far.
    pub(super) offset: u64,
    /// Decompressed bytes there must be, as far as the file has told.
    pub(super) needed: u64,
}

impl Source {
    /// Opens a file, at its beginning.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let fail = |cause| Error::Read { path: path.to_path_buf(), cause };
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(fail)?);
        let is_gzip = file.fill_buf().map_err(fail)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> =
            if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        Ok(Self { reader, path: path.to_path_buf(), is_gzip, offset: 0, needed: 0 })
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
                    self.offset += count as u64;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failure(cause)),
            }
        }
        Ok(())
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
            io::ErrorKind::UnexpectedEof if self.is_gzip => Error::GzipTruncated { path, offset },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.is_gzip => {
                Error::GzipCorrupt { path, offset, cause }
            }
            _ => Error::Read { path, cause },
        }
    }
}
