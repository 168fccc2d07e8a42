//! How much memory reading files may take: a file of some bytes may claim, or unpack to, more than a machine has.
//!
//! What is read honestly takes a few times the bytes of its files, packed well perhaps tens of times. What takes more than
//! `TIMES` as much is a mistake, or made to do harm, and is refused before the memory is taken; unless it is little, or
//! the user has said how much it may be.

use crate::error::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What the user has said.
static LIMIT: OnceLock<u64> = OnceLock::new();

/// The most memory for each byte of a file.
const TIMES: u64 = 100;
/// Bytes of memory that the smallest file may take.
const LITTLE: u64 = 64 << 20;

/// Sets the limit, in bytes, if it was not set yet. Files may then take all of it, however small they are.
pub fn set_limit(bytes: u64) {
    // Whoever was first has set it.
    let _ = LIMIT.set(bytes);
}

/// The limit, in bytes: by default half of what the machine has.
pub fn limit() -> u64 {
    static HALF: OnceLock<u64> = OnceLock::new();
    LIMIT.get().copied().unwrap_or_else(|| *HALF.get_or_init(|| installed().unwrap_or(8 << 30) / 2))
}

/// The memory that reading files may take.
#[derive(Debug)]
pub struct Budget {
    path: PathBuf,
    most: u64,
    taken: u64,
}

impl Budget {
    /// For files of so many bytes, all of them together; messages name `path`.
    pub fn new(path: &Path, bytes: u64) -> Self {
        let most = match LIMIT.get() {
            Some(limit) => *limit,
            None => bytes.saturating_mul(TIMES).max(LITTLE).min(limit()),
        };
        Self { path: path.to_path_buf(), most, taken: 0 }
    }

    /// Whether so many bytes are within it.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub fn check(&self, bytes: u64) -> Result<()> {
        if bytes <= self.most {
            return Ok(());
        }
        Err(Error::Limit { path: self.path.clone(), limit: self.most })
    }

    /// Takes so many bytes of it, to be asked before the memory is.
    ///
    /// # Errors
    /// [`Error::Limit`] if they are not left.
    pub fn take(&mut self, bytes: u64) -> Result<()> {
        self.taken = self.taken.saturating_add(bytes);
        self.check(self.taken)
    }

    /// Takes the memory of a list for so many items.
    ///
    /// # Errors
    /// [`Error::Limit`] if it is not left, and [`Error::Room`] if the machine does not have it.
    pub fn list<T>(&mut self, items: usize) -> Result<Vec<T>> {
        let (mut list, bytes) = (Vec::new(), size::<T>(items));
        self.take(bytes)?;
        list.try_reserve_exact(items).map_err(|_| self.room(bytes))?;
        Ok(list)
    }

    /// Takes the memory for so many more items of a list.
    ///
    /// # Errors
    /// Those of [`list`](Self::list).
    pub fn grow<T>(&mut self, list: &mut Vec<T>, items: usize) -> Result<()> {
        let bytes = size::<T>(items);
        self.take(bytes)?;
        list.try_reserve(items).map_err(|_| self.room(bytes))
    }

    fn room(&self, bytes: u64) -> Error {
        Error::Room { path: self.path.clone(), bytes }
    }
}

/// Bytes of so many items.
fn size<T>(items: usize) -> u64 {
    (items as u64).saturating_mul(size_of::<T>() as u64)
}

/// The memory of the machine, or of the container that this program runs in; `None` where nobody says it.
fn installed() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok()?;
    let line = machine.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let machine = line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024;
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(u64::MAX);
    Some(machine.min(container))
}
