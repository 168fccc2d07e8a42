//! Firmware on emulated boards, for `cargo xtask` and for the tests.
//!
//! [`firmware`] builds the firmware for a [`board`] with the Rust that [`toolchain`] finds or provides; [`qemu`] does the
//! same for the emulator; [`serial`] runs a board whose serial port is a TCP connection; [`elf`] tells what a firmware
//! takes of the board's memory.
#![deny(missing_docs)]

pub mod board;
mod debian;
pub mod elf;
pub mod error;
pub mod firmware;
pub mod process;
pub mod qemu;
pub mod serial;
mod sysroot;
pub mod toolchain;

pub use board::Board;
pub use error::{Error, Missing};
pub use toolchain::Toolchain;

use std::env;
use std::path::{Path, PathBuf};

/// The top folder of the repository: of the one that the current folder is in, or else of the one that this crate was built
/// in. Clones that share a target folder share what was built there, but each is the current folder of its own commands.
pub fn top() -> PathBuf {
    let around = env::current_dir().ok().and_then(|folder| repository_around(&folder));
    around.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default())
}

/// The nearest folder, from `folder` upwards, that has a workspace and the firmware's in it.
fn repository_around(folder: &Path) -> Option<PathBuf> {
    let is_top = |folder: &&Path| ["Cargo.toml", "firmware-demo/Cargo.toml"].iter().all(|p| folder.join(p).is_file());
    folder.ancestors().find(is_top).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn the_repository_is_the_nearest_one_around() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("target/clone");
        for top in [outer.path(), &inner] {
            fs::create_dir_all(top.join("firmware-demo/src")).unwrap();
            fs::write(top.join("Cargo.toml"), "").unwrap();
            fs::write(top.join("firmware-demo/Cargo.toml"), "").unwrap();
        }
        assert_eq!(repository_around(&inner.join("firmware-demo/src")), Some(inner));
        assert_eq!(repository_around(&outer.path().join("target")), Some(outer.path().to_owned()));
        assert_eq!(repository_around(outer.path().parent().unwrap()), None);
    }

    /// Cargo sets this variable for every program that it runs, also for those of other repositories.
    #[test]
    fn the_package_of_who_calls_is_of_no_account() {
        const VARIABLE: &str = "CARGO_MANIFEST_DIR";
        let elsewhere = tempfile::tempdir().unwrap();
        if env::var_os(VARIABLE).is_some_and(|folder| Path::new(&folder).is_dir()) {
            let mut again = Command::new(env::current_exe().unwrap());
            again.args(["--exact", "tests::the_package_of_who_calls_is_of_no_account"]);
            again.env(VARIABLE, elsewhere.path().join("no/package")).current_dir(elsewhere.path());
            assert!(again.status().unwrap().success());
        }
        assert!(top().join("firmware-demo/Cargo.toml").is_file(), "{}", top().display());
    }
}
