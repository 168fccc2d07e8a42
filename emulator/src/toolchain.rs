//! The Rust that builds firmware for a bare-metal target: found where there is one, provided where there is none.
//!
//! The order of choice: the active `rustc`, if it has the target's `core`; the private sysroot that was made before;
//! then one is provided, by rustup where there is one and [`NO_RUSTUP`] is not set, or on Debian by making the private
//! sysroot. Where none of that is possible, the error lists the commands.

use crate::process::{self, find_program, keep_outer_build_out};
use crate::{Error, Missing, debian, sysroot, top};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment variable that, set to anything, forbids to download with rustup.
pub const NO_RUSTUP: &str = "MINNET_NO_RUSTUP";

/// A Rust that builds for one bare-metal target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    target: String,
    source: Source,
    /// What cargo's environment has besides.
    variables: Vec<(&'static str, OsString)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// What `cargo` and `rustc` mean on PATH.
    Active,
    /// Debian's cargo with the private sysroot in this folder.
    Sysroot(PathBuf),
}

impl Toolchain {
    /// The toolchain for `target`, if there is one.
    ///
    /// # Errors
    /// [`Missing`], with the commands that provide one.
    pub fn find(target: &str) -> Result<Toolchain, Missing> {
        let sysroot = sysroot::path(target);
        choose(target, active_libraries(target), sysroot.clone())
            .map(|source| Toolchain { target: target.to_owned(), source, variables: Vec::new() })
            .ok_or_else(|| missing(target, sysroot.as_deref()))
    }

    /// The toolchain for `target`; where there is none, it is installed first if that is possible without asking.
    ///
    /// # Errors
    /// [`Error::Missing`], with the commands for the user, where it may not be installed from here; another [`Error`]
    /// where the installation failed.
    pub fn provide(target: &str) -> Result<Toolchain, Error> {
        if let Ok(found) = Self::find(target) {
            return Ok(found);
        }
        // Where rustup cannot, Debian may: a machine that does not reach the one can reach the other.
        let added = may_use_rustup() && add_with_rustup(target).is_ok();
        if !added && debian::can_have(sysroot::PACKAGES) {
            sysroot::build(target)?;
        }
        Ok(Self::find(target)?)
    }

    /// The same with a variable in the environment of what it builds.
    pub fn with(mut self, variable: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    /// The compiler's name and version, such as `rustc 1.96.0 (ac68faa20 2026-05-25)`.
    ///
    /// # Errors
    /// [`Error::Start`] and [`Error::Failed`], for the compiler.
    pub fn compiler(&self) -> Result<String, Error> {
        let mut rustc = match &self.source {
            Source::Active => Command::new("rustc"),
            Source::Sysroot(sysroot) => Command::new(sysroot::rustc(sysroot)),
        };
        process::read(keep_outer_build_out(&mut rustc).current_dir(top()).arg("--version"))
    }

    /// The target it builds for.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Cargo, ready for its subcommand: it uses the right compiler, and knows nothing of the cargo that runs us.
    ///
    /// The target still has to be named: `toolchain.cargo().args(["build", "--target", toolchain.target()])`.
    pub fn cargo(&self) -> Command {
        let mut cargo = match &self.source {
            Source::Active => Command::new("cargo"),
            Source::Sysroot(_) => Command::new(sysroot::CARGO),
        };
        keep_outer_build_out(&mut cargo).envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Source::Sysroot(sysroot) = &self.source {
            cargo.env("RUSTC", sysroot::rustc(sysroot));
        }
        cargo
    }
}

fn choose(target: &str, active: Option<PathBuf>, sysroot: Option<PathBuf>) -> Option<Source> {
    if active.is_some_and(|libraries| has_core(&libraries)) {
        return Some(Source::Active);
    }
    sysroot.filter(|sysroot| has_core(&sysroot::libraries(sysroot, target))).map(Source::Sysroot)
}

fn has_core(libraries: &Path) -> bool {
    let is_core = |name: &str| name.starts_with("libcore-") && name.ends_with(".rlib");
    fs::read_dir(libraries)
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(is_core)))
}

/// Where the active rustc has, or would have, the libraries for `target`; `None` if there is no rustc.
fn active_libraries(target: &str) -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    keep_outer_build_out(&mut rustc).current_dir(top()).args(["--print", "target-libdir", "--target", target]);
    process::read(&mut rustc).ok().map(PathBuf::from)
}

fn may_use_rustup() -> bool {
    env::var_os(NO_RUSTUP).is_none() && find_program("rustup").is_some()
}

fn add_with_rustup(target: &str) -> Result<(), Error> {
    let mut rustup = Command::new("rustup");
    process::run(keep_outer_build_out(&mut rustup).current_dir(top()).args(["target", "add", target]))
}

fn missing(target: &str, sysroot: Option<&Path>) -> Missing {
    let looked = sysroot.map(|path| format!(", nor is one in {}", path.display())).unwrap_or_default();
    Missing {
        what: format!("no Rust for {target}: the active rustc has no core library for it{looked}"),
        remedies: vec![
            format!("rustup target add {target}"),
            format!("{} && cargo xtask test    (Debian)", debian::command_for(sysroot::PACKAGES)),
            format!(
                "cargo xtask test    (does the first where rustup is and {NO_RUSTUP} is not set; the second as root)"
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const TARGET: &str = "thumbv7em-none-eabihf";

    /// The libraries' folder of an active rustc and a private sysroot, each with or without a core library.
    fn machine(active_has_core: bool, sysroot_has_core: bool) -> (TempDir, PathBuf, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (active, sysroot) = (root.path().join("active"), root.path().join("sysroot"));
        for (has_core, folder) in
            [(active_has_core, active.clone()), (sysroot_has_core, sysroot::libraries(&sysroot, TARGET))]
        {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("libcore-0123.rmeta"), "").unwrap();
            if has_core {
                fs::write(folder.join("libcore-0123.rlib"), "").unwrap();
            }
        }
        (root, active, sysroot)
    }

    #[test]
    fn the_active_rustc_comes_first_then_the_private_sysroot() {
        for (active_has_core, sysroot_has_core) in [(true, true), (true, false), (false, true), (false, false)] {
            let (_root, active, sysroot) = machine(active_has_core, sysroot_has_core);
            let expected = match (active_has_core, sysroot_has_core) {
                (true, _) => Some(Source::Active),
                (false, true) => Some(Source::Sysroot(sysroot.clone())),
                (false, false) => None,
            };
            assert_eq!(choose(TARGET, Some(active), Some(sysroot)), expected);
        }
        assert_eq!(choose(TARGET, None, None), None);
    }

    #[test]
    fn a_private_sysroot_serves_its_own_target_only() {
        let (_root, active, sysroot) = machine(false, true);
        assert_eq!(choose("thumbv6m-none-eabi", Some(active), Some(sysroot)), None);
    }

    #[test]
    fn what_is_missing_comes_with_the_commands() {
        let message = missing(TARGET, Some(Path::new("/cache"))).to_string();
        for part in ["/cache", "rustup target add thumbv7em-none-eabihf", "apt-get install", "cargo xtask test"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    #[test]
    fn cargo_of_a_sysroot_uses_its_compiler() {
        let source = Source::Sysroot("/cache".into());
        let cargo = Toolchain { target: TARGET.into(), source, variables: Vec::new() }.cargo();
        let rustc = cargo.get_envs().find(|(name, _)| *name == "RUSTC").and_then(|(_, value)| value);
        assert_eq!(rustc.map(Path::new), Some(Path::new("/cache/bin/rustc")));
        // Cargo set this for the very test that runs here.
        assert!(cargo.get_envs().any(|(name, value)| name == "CARGO_MANIFEST_DIR" && value.is_none()));
    }
}
