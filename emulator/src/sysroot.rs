//! The private sysroot: Debian's Rust, with `core` and `alloc` built for a bare-metal target.
//!
//! Debian has no package of these libraries for bare-metal targets, but one of their sources. They are built once into
//! the user's cache folder, which outlives fresh clones. The folder's `bin/rustc` is Debian's compiler that looks there
//! for its libraries, so that any cargo builds for the target with no more than `RUSTC` set to it.

use crate::process::{self, keep_outer_build_out};
use crate::{Error, Missing, debian};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Debian's compiler, cargo, the library's sources, and a linker.
pub const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld"];
/// Debian's cargo.
pub const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
const LLD: &str = "/usr/bin/lld";

/// Where the sysroot for `target` is, or would be: a folder of its own for every version of Debian's Rust, so that an
/// upgrade never meets libraries of the version before. `None` without Debian's Rust or without a cache folder.
pub fn path(target: &str) -> Option<PathBuf> {
    if !Path::new(RUSTC).is_file() {
        return None;
    }
    let (version, _) = version_and_host().ok()?;
    Some(cache()?.join(format!("rust-{version}")).join(target))
}

/// Where in `sysroot` the libraries for `target` are.
pub fn libraries(sysroot: &Path, target: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(target).join("lib")
}

/// The compiler of `sysroot`.
pub fn rustc(sysroot: &Path) -> PathBuf {
    sysroot.join("bin/rustc")
}

/// Installs the newest [`PACKAGES`], where that is allowed, and builds the sysroot for `target`.
///
/// It is built beside its place and moved there when it is whole: an interrupted build leaves nothing half done, and of
/// two builds at once either serves.
pub fn build(target: &str) -> Result<(), Error> {
    debian::install(PACKAGES)?;
    let place = path(target).ok_or_else(no_cache)?;
    let parent = place.parent().unwrap_or(&place);
    let (version, host) = version_and_host()?;
    if is_too_old(&version) {
        return Err(Error::Missing(too_old(&version)));
    }
    eprintln!("building core and alloc {version} for {target}, once, into {}", place.display());
    let begin = Instant::now();
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let work = tempfile::Builder::new().prefix(".build-").tempdir_in(parent).map_err(Error::io("create", parent))?;
    let sysroot = work.path().join("sysroot");
    lay_out(&sysroot, &host)?;
    let built = build_libraries(work.path(), target)?;
    copy_libraries(&built, &libraries(&sysroot, target))?;
    match fs::rename(&sysroot, &place) {
        Err(_) if place.is_dir() => Ok(()),
        result => result.map_err(Error::io("create", &place)),
    }?;
    eprintln!("built core and alloc for {target} in {:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn no_cache() -> Error {
    let what = "no folder to keep libraries for bare-metal targets in: neither XDG_CACHE_HOME nor HOME is set";
    Error::Missing(Missing { what: what.into(), remedies: vec!["export XDG_CACHE_HOME=/a/folder/of/yours".into()] })
}

/// Whether this version of Rust is older than the one that the firmware needs.
fn is_too_old(version: &str) -> bool {
    let release = |version: &str| {
        let mut numbers = version.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
        (numbers.next(), numbers.next())
    };
    release(version) < release(env!("CARGO_PKG_RUST_VERSION"))
}

fn too_old(version: &str) -> Missing {
    Missing {
        what: format!("Debian's Rust is {version}; the firmware needs {} or newer", env!("CARGO_PKG_RUST_VERSION")),
        remedies: vec![format!("sudo apt-get update && {}", debian::command_for(PACKAGES))],
    }
}

/// The user's cache folder for this project.
fn cache() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(cache.join("minnet"))
}

/// The version of Debian's Rust, with the commit it was made of, and the target it runs on.
fn version_and_host() -> Result<(String, String), Error> {
    let about = process::read(keep_outer_build_out(Command::new(RUSTC).arg("-vV")))?;
    let value = |key| about.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("unknown");
    let commit: String = value("commit-hash: ").chars().take(9).collect();
    Ok((format!("{}-{commit}", value("release: ")), value("host: ").to_owned()))
}

/// A sysroot that has the host's libraries, a linker under the name that rustc asks for, and a compiler that uses them.
fn lay_out(sysroot: &Path, host: &str) -> Result<(), Error> {
    let tools = sysroot.join("lib/rustlib").join(host).join("bin");
    let bin = sysroot.join("bin");
    for folder in [&tools, &bin] {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let host_libraries = Path::new("/usr/lib/rustlib").join(host).join("lib");
    // `ln` and `chmod` rather than the library's functions: those exist on Unix only, and this file compiles anywhere.
    process::run(Command::new("ln").arg("-s").arg(host_libraries).arg(libraries(sysroot, host)))?;
    process::run(Command::new("ln").arg("-s").arg(LLD).arg(tools.join("rust-lld")))?;
    let script = format!(
        "#!/bin/sh\n# Debian's rustc, with the libraries for bare-metal targets that are beside this file.\n\
         exec {RUSTC} --sysroot \"${{0%/*}}/..\" \"$@\"\n"
    );
    let rustc = rustc(sysroot);
    fs::write(&rustc, script).map_err(Error::io("write", &rustc))?;
    process::run(Command::new("chmod").arg("+x").arg(&rustc))
}

/// Builds the libraries in the folder `work` and returns the folder they are in.
fn build_libraries(work: &Path, target: &str) -> Result<PathBuf, Error> {
    // Cargo builds the libraries as dependencies of a package; an empty one will do.
    let package = work.join("package");
    let write = |name: &str, text: &str| {
        let path = package.join(name);
        fs::write(&path, text).map_err(Error::io("write", path))
    };
    fs::create_dir_all(package.join("src")).map_err(Error::io("create", &package))?;
    write("src/lib.rs", "#![no_std]\n")?;
    write("Cargo.toml", "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n")?;
    let debians = process::read(keep_outer_build_out(Command::new(RUSTC).args(["--print", "sysroot"])))?;
    let vendored = Path::new(&debians).join("lib/rustlib/src/rust/library/vendor");
    let mut cargo = Command::new(CARGO);
    keep_outer_build_out(&mut cargo)
        .current_dir(&package)
        .args(["build", "--quiet", "--release", "--offline", "-Zbuild-std=core,alloc", "--target", target])
        .args(["--config", "source.crates-io.replace-with='debian'"])
        .arg("--config")
        .arg(format!("source.debian.directory='{}'", vendored.display()))
        .arg("--target-dir")
        .arg(work.join("target"))
        // A home of its own: the user's settings are for the user's builds.
        .env("CARGO_HOME", work.join("home"))
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // As in the official libraries, so that they link with and without LTO.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    process::run(&mut cargo)?;
    Ok(work.join("target").join(target).join("release/deps"))
}

fn copy_libraries(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::io("create", to))?;
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let name = entry.map_err(Error::io("read", from))?.file_name();
        let is_wanted = |name: &str| {
            let of_library = |library| name.strip_prefix(library).is_some_and(|rest| rest.starts_with('-'));
            name.ends_with(".rlib") && ["libcore", "liballoc", "libcompiler_builtins"].into_iter().any(of_library)
        };
        if name.to_str().is_some_and(is_wanted) {
            fs::copy(from.join(&name), to.join(&name)).map_err(Error::io("copy", from.join(&name)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_version_of_rust_is_known() {
        for (version, expected) in [("1.85.0-4d91de4e4", true), ("1.9.0", true), ("1.89.0", false), ("2.0.1-a", false)]
        {
            assert_eq!(is_too_old(version), expected, "{version}");
        }
    }

    #[test]
    fn only_the_libraries_are_copied() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wanted = ["liballoc-1.rlib", "libcompiler_builtins-2.rlib", "libcore-3.rlib"];
        for name in wanted.iter().chain(&["libcore-3.rmeta", "libcorelli-4.rlib", "libempty-5.rlib"]) {
            fs::write(from.path().join(name), "").unwrap();
        }
        let lib = to.path().join("a/lib");
        copy_libraries(from.path(), &lib).unwrap();
        let mut copied: Vec<_> = fs::read_dir(lib).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        copied.sort();
        assert_eq!(copied, wanted);
    }
}
