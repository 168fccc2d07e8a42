//! Builds the workspace's programs as the running test was built, so that tests can run them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's top folder.
pub const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Builds what cargo's arguments `targets` name (`--bin host`), and gives the directory of the build's profile.
///
/// `temporary` is the test's `CARGO_TARGET_TMPDIR`, which only a test knows.
///
/// # Panics
/// If it cannot be built.
pub fn programs(targets: &[&str], temporary: &str) -> PathBuf {
    // …/target/PROFILE/deps/THIS-TEST
    let this = std::env::current_exe().unwrap();
    let profile = this.ancestors().nth(2).unwrap().file_name().unwrap().to_str().unwrap();
    let target = Path::new(temporary).parent().unwrap();
    let status = Command::new(env!("CARGO"))
        // The very flags that the tests are built with, or the library would be compiled once more for other features.
        .args(["build", "--locked", "--quiet", "--workspace"])
        .args(cfg!(feature = "all").then_some("--all-features"))
        .args(targets)
        .args(["--profile", if profile == "debug" { "dev" } else { profile }])
        .arg("--target-dir")
        .arg(target)
        .current_dir(REPOSITORY)
        .status()
        .unwrap();
    assert!(status.success(), "{targets:?} could not be built");
    target.join(profile)
}
