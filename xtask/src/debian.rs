//! Debian's packages: whether they may be installed here, and installing them.

use crate::{Error, find_program, process};
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

/// Installs those of `packages` that are missing.
pub fn install(packages: &[&str]) -> Result<(), Error> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing with apt-get: {}", missing.join(" "));
    let mut install = apt_get(&["install", "-y", "--no-install-recommends"]);
    install.args(&missing);
    // Mostly the package lists are there and good; a fresh or an old system needs them fetched first.
    process::run(&mut install).or_else(|_| {
        process::run(&mut apt_get(&["update"]))?;
        process::run(&mut install)
    })
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
