//! How much memory one reading may take: a file of some bytes may claim, or unpack to, more than a machine has.

use crate::error::{Error, Result};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

static LIMIT: OnceLock<u64> = OnceLock::new();

/// Sets the limit, in bytes, if nothing was read yet.
pub fn set_limit(bytes: u64) {
    // Whoever was first has set it.
    let _ = LIMIT.set(bytes);
}

/// The limit, in bytes: by default half of what the machine has.
pub fn limit() -> u64 {
    *LIMIT.get_or_init(|| installed().unwrap_or(8 << 30) / 2)
}

/// Whether what a file says that it holds is within the limit.
///
/// # Errors
/// [`Error::Limit`].
pub fn check(path: &Path, bytes: u64) -> Result<()> {
    if bytes <= limit() {
        return Ok(());
    }
    Err(Error::Limit { path: path.to_path_buf(), limit: limit() })
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
