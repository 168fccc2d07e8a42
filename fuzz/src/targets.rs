//! What is fuzzed: a function for each parser, and for each side of the wire. A function panics if what it was given breaks
//! a promise.

mod data;
mod exchange;
mod line;
mod model;
mod text;

use host::error::Error;
use host::executor::{Threads, Vectors};
use host::report::visible;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

/// Something that is given bytes.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Makes checksums right again in changed bytes, so that they are not all that is looked at.
    pub repair: fn(&mut [u8]),
    /// Words of the format.
    pub words: &'static [&'static str],
}

fn nothing(_: &mut [u8]) {}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "architecture", run: text::architecture, repair: nothing, words: text::WORDS },
    Target { name: "augment", run: text::augment, repair: nothing, words: text::AUGMENT },
    Target { name: "model", run: model::model, repair: model::seal, words: text::WORDS },
    Target { name: "description", run: model::description, repair: nothing, words: &[] },
    Target { name: "checkpoint", run: model::checkpoint, repair: model::seal, words: &["MINNETC1", "train", "--net"] },
    Target { name: "frame", run: line::frame, repair: nothing, words: &[] },
    Target { name: "device", run: line::device, repair: nothing, words: &[] },
    Target { name: "client", run: line::client, repair: nothing, words: &[] },
    Target { name: "idx", run: data::idx, repair: nothing, words: &[] },
    Target { name: "npy", run: data::npy, repair: nothing, words: data::NPY },
    Target { name: "npz", run: data::npz, repair: nothing, words: data::NPY },
    Target { name: "cifar", run: data::cifar, repair: nothing, words: &["\n"] },
    Target { name: "csv", run: data::csv, repair: nothing, words: data::CSV },
    Target { name: "windows", run: data::windows, repair: nothing, words: data::CSV },
    Target { name: "pickle", run: data::pickle, repair: nothing, words: data::PICKLE },
    Target { name: "pictures", run: data::pictures, repair: data::seal_png, words: data::PICTURE },
    Target { name: "digits", run: data::digits, repair: data::seal_png, words: data::PICTURE },
    Target { name: "network2", run: exchange::network2, repair: nothing, words: exchange::JSON },
    Target { name: "safetensors", run: exchange::tensors, repair: nothing, words: exchange::JSON },
    Target { name: "weights", run: exchange::tensors, repair: nothing, words: data::NPY },
    Target { name: "onnx", run: exchange::onnx, repair: nothing, words: exchange::ONNX },
];

/// A folder for the files that readers are given.
pub struct Place(PathBuf);

impl Place {
    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it.
    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("room for a small file");
        path
    }

    /// A folder in it.
    fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).expect("room for a folder");
        path
    }
}

static PLACE: OnceLock<Place> = OnceLock::new();

/// Makes a folder the place of this program.
pub fn settle(folder: &Path) {
    // Whoever was first has done it.
    let _ = PLACE.set(Place(folder.to_path_buf()));
}

/// The place of this program, which must have [settled](settle).
pub fn place() -> &'static Place {
    PLACE.get().expect("a place")
}

/// One thread: what is computed does not depend on their number.
fn executor() -> &'static Threads {
    static EXECUTOR: LazyLock<Threads> = LazyLock::new(|| Threads::new(1, Vectors::detect()).expect("a thread"));
    &EXECUTOR
}

/// What was read, or nothing; an error has words that can be shown.
fn read<T>(result: Result<T, Error>) -> Option<T> {
    result.inspect_err(|error| assert!(!visible(&error.to_string()).is_empty())).ok()
}

/// The bytes of two files: the length of the first in two bytes, then both.
fn two(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else { return (&[], &[]) };
    rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()))
}
