//! What we depend on: under licences that let everybody use ours as ours say, and from crates.io alone.

use crate::{Error, suite};
use emulator::process::read;
use serde::Deserialize;

/// The licences that a package may have. What is under the IJG's or the MPL is used as it is, and no part of ours.
const ALLOWED: [&str; 9] =
    ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unicode-3.0", "IJG", "MPL-2.0"];
/// Where packages come from that are not in this repository.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for a package in this repository.
    source: Option<String>,
}

/// Checks all packages in the lock files, those for other systems too.
///
/// # Errors
/// [`Error::Answer`] for a package with another licence or source.
pub fn check() -> Result<(), Error> {
    let mut count = 0;
    for manifest in ["Cargo.toml", "firmware-demo/Cargo.toml"] {
        let metadata = ["metadata", "--locked", "--format-version", "1", "--manifest-path", manifest];
        let text = read(suite::cargo().args(metadata))?;
        let metadata: Metadata = serde_json::from_str(&text)
            .map_err(|error| Error::Answer { program: "cargo metadata".into(), said: error.to_string() })?;
        for package in &metadata.packages {
            package.check()?;
        }
        count += metadata.packages.len();
    }
    eprintln!("lint: licences and sources of {count} packages: ok");
    Ok(())
}

impl Package {
    fn check(&self) -> Result<(), Error> {
        let wrong = |said| Err(Error::Answer { program: format!("{} {}", self.name, self.version), said });
        if let Some(source) = self.source.as_ref().filter(|source| *source != SOURCE) {
            return wrong(format!("it comes from {source}; take it from crates.io"));
        }
        match &self.license {
            Some(license) if is_allowed(license) => Ok(()),
            Some(license) => {
                wrong(format!("its licence is {license}; do without it, or allow that in xtask/src/licences.rs"))
            }
            None => wrong("it has no licence; do without it".into()),
        }
    }
}

/// Whether an SPDX expression leaves a choice that is allowed. `/` is an old way to write `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any(&mut words) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>) -> bool {
    let mut allowed = all(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all(words);
    }
    allowed
}

fn all(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words<'_>) -> bool {
    match words.next() {
        Some("(") => {
            let allowed = any(words);
            words.next() == Some(")") && allowed
        }
        Some(licence) => {
            // An exception allows more.
            if words.next_if_eq(&"WITH").is_some() {
                words.next();
            }
            ALLOWED.contains(&licence)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_must_be_allowed() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "Unlicense/MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only",
        ] {
            assert!(is_allowed(expression), "{expression}");
        }
        for expression in
            ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT", "MIT)", "MIT Apache-2.0", "OR", "AGPL-3.0 OR SSPL-1.0"]
        {
            assert!(!is_allowed(expression), "{expression}");
        }
    }

    #[test]
    fn a_package_from_elsewhere_is_refused() {
        let package = |source: &str| Package {
            name: "a".into(),
            version: "1.0.0".into(),
            license: Some("MIT".into()),
            source: Some(source.into()),
        };
        assert!(package(SOURCE).check().is_ok());
        let refused = package("git+https://example.org/a").check().unwrap_err().to_string();
        assert!(refused.starts_with("a 1.0.0: ") && refused.contains("take it from crates.io"), "{refused}");
    }
}
