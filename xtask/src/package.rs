//! The packages as crates.io would get them: built, looked into, and the program `host` installed from them and used in an
//! empty folder.

use crate::{Error, suite};
use emulator::process::{read, run};
use emulator::top;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What is published, in an order in which each finds what it depends on.
const PUBLISHED: [&str; 5] = ["minnet", "minnet-wire", "minnet-device", "minnet-host", "minnet-emulator"];
/// What is in each of them.
const IN_EACH: [&str; 3] = ["LICENSE-MIT", "LICENSE-APACHE", "README.md"];
/// No package takes more bytes: there are no data in them.
const PACKAGE_MAX: u64 = 1_000_000;
/// The installed program takes fewer bytes.
const PROGRAM_MAX: u64 = 12_000_000;

/// Packages the workspace and looks into the packages. Unless it is to be `quick`, each is built from what is in it, and
/// `host` is installed from them and used.
///
/// # Errors
/// [`emulator::Error::Failed`] where a command fails; [`Error::Answer`] where a package or the program is not as it must be.
pub fn package(quick: bool) -> Result<(), Error> {
    let target = top().join("target");
    let begin = Instant::now();
    let mut pack = suite::cargo();
    pack.args(["package", "--workspace", "--allow-dirty", "--target-dir"]).arg(&target);
    run(pack.args(quick.then_some("--no-verify")))?;
    println!("{:<32}{:>9.1} s", "packaged", begin.elapsed().as_secs_f64());

    let folder = tempfile::tempdir().map_err(Error::io("create", "a temporary folder"))?;
    let (sources, empty) = (folder.path().join("sources"), folder.path().join("empty"));
    for made in [&sources, &empty] {
        fs::create_dir(made).map_err(Error::io("create", made))?;
    }
    for name in PUBLISHED {
        unpack(&target.join("package"), name, &sources)?;
    }
    if quick {
        return Ok(());
    }

    let begin = Instant::now();
    let mut install = suite::cargo();
    install.args(["install", "--root"]).arg(folder.path()).arg("--target-dir").arg(target.join("installed"));
    install.arg("--path").arg(source(&sources, "minnet-host"));
    for name in ["minnet", "minnet-wire"] {
        install.arg("--config").arg(format!("patch.crates-io.{name}.path={:?}", source(&sources, name)));
    }
    run(&mut install)?;
    println!("{:<32}{:>9.1} s", "installed", begin.elapsed().as_secs_f64());

    let program = folder.path().join("bin/host").with_extension(std::env::consts::EXE_EXTENSION);
    let bytes = size(&program)?;
    println!("{:<32}{bytes:>9} bytes", "the program");
    if bytes >= PROGRAM_MAX {
        return Err(wrong("host", format!("a program of {bytes} bytes, where {PROGRAM_MAX} are too many")));
    }
    use_it(&program, &empty)
}

/// Unpacks a package, and looks into it.
fn unpack(packages: &Path, name: &str, sources: &Path) -> Result<(), Error> {
    let package = packages.join(format!("{name}-{}.crate", env!("CARGO_PKG_VERSION")));
    run(Command::new("tar").arg("xzf").arg(&package).arg("-C").arg(sources))?;
    let bytes = size(&package)?;
    println!("{name:<32}{bytes:>9} bytes");
    if bytes > PACKAGE_MAX {
        return Err(wrong(name, format!("a package of {bytes} bytes, where {PACKAGE_MAX} are enough")));
    }
    match IN_EACH.into_iter().find(|file| !source(sources, name).join(file).is_file()) {
        Some(file) => Err(wrong(name, format!("a package without the file {file}"))),
        None => Ok(()),
    }
}

/// Trains and tests a network in the folder `empty`, where there are no data but those that are named.
fn use_it(program: &Path, empty: &Path) -> Result<(), Error> {
    // In a folder of its own, and not as `cargo run` starts it.
    let host = || {
        let mut host = Command::new(program);
        host.current_dir(empty).env_remove("CARGO");
        host
    };
    for asked in ["--help", "nets"] {
        read(host().arg(asked))?;
    }
    let train = ["train", "--net", "784-30-10", "--epochs", "1"];
    let refused = host().args(train).output().map_err(Error::io("run", program))?;
    let said = String::from_utf8_lossy(&refused.stderr);
    if refused.status.success() || !said.contains("--data") {
        return Err(wrong("host train", format!("{}, {said}", refused.status)));
    }
    print!("without data: {said}");
    let data = top().join("data/mnist");
    run(host().args(train).args(["--out", "digits.minnet", "--data"]).arg(&data))?;
    run(host().args(["eval", "digits.minnet", "--data"]).arg(&data))?;
    Ok(())
}

fn source(sources: &Path, name: &str) -> PathBuf {
    sources.join(format!("{name}-{}", env!("CARGO_PKG_VERSION")))
}

fn size(file: &Path) -> Result<u64, Error> {
    Ok(fs::metadata(file).map_err(Error::io("read", file))?.len())
}

fn wrong(program: &str, said: String) -> Error {
    Error::Answer { program: program.into(), said }
}
