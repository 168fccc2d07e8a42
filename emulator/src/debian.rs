//! Debian's packages: whether they may be installed here, and installing them.

use crate::Error;
use crate::process::{self, find_program};
use std::fs;
use std::process::Command;

/// The command with which a user installs `packages` by hand.
pub fn command_for(packages: &[&str]) -> String {
    format!("sudo apt-get install -y --no-install-recommends {}", packages.join(" "))
}

/// Whether `packages` are there, or this is Debian and we may install them.
pub fn can_have(packages: &[&str]) -> bool {
    is_debian() && (missing(packages).is_empty() || is_root())
}

/// Installs `packages`, each in its newest version: one that was installed long ago may be too old to serve. Does nothing
/// for a user who may not install; [`can_have`] says whether all are there.
///
/// # Errors
/// [`Error::Start`] and [`Error::Failed`], for apt-get.
pub fn install(packages: &[&str]) -> Result<(), Error> {
    if !is_root() {
        return Ok(());
    }
    eprintln!("installing with apt-get: {}", packages.join(" "));
    // Old lists of packages would install old packages. Without a network the lists that are there must do.
    if let Err(error) = process::run(&mut apt_get(&["update"])) {
        eprintln!("{error}; going on with the lists of packages that are there");
    }
    process::run(apt_get(&["install", "-y", "--no-install-recommends"]).args(packages))
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // Another installation may be under way: wait for it rather than fail.
    command.args(["-q", "-o", "DPkg::Lock::Timeout=300"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    packages.iter().copied().filter(|package| !is_installed(package)).collect()
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query").args(["-W", "-f=${Status}", package]).output();
    query.is_ok_and(|output| output.stdout == b"install ok installed")
}

fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| line == "ID=debian") && find_program("apt-get").is_some()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
