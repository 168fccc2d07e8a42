//! The records in the documents: what is measured, and the tables that are made of it.
//!
//! Each command keeps what it measured as JSON beside its document, and writes the document's tables between two lines
//! that name it.

pub mod ablation;
pub mod accuracy;
pub mod count;
mod document;
pub mod exchange;
pub mod own_data;
pub mod rivals;
pub mod stream;
pub mod zoo;

use crate::Error;
use std::fs;
use std::path::Path;

/// Writes a file beside the old one, which it then replaces: there is always a whole one.
fn replace(file: &Path, text: &str) -> Result<(), Error> {
    let beside = file.with_extension("part");
    fs::write(&beside, text).map_err(Error::io("write", &beside))?;
    fs::rename(&beside, file).map_err(Error::io("write", file))
}
