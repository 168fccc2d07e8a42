//! The book's `mnist.pkl.gz`: a Python pickle of three pairs of NumPy arrays, (images, labels) to train on, to validate
//! with and to test with; images are `float32` of n x 784 with values k/256, labels `int64` of n. In the
//! `mnist_expanded.pkl.gz` of the book's `expand_mnist.py`, the pair to train on is two lists: of n images of 784, and of
//! n labels.
//!
//! Pickles are programs for a stack machine, and Python's may call anything. The one in `machine` knows only what these
//! arrays need, as Python 2 (protocols 0 to 2) and Python 3 (protocols 2 to 4) write them, and executes nothing.

mod machine;
mod opcodes;
mod run;
mod tape;

use std::path::Path;

use super::source::Source;
use super::{Mnist, validation_images};
use crate::error::{Error, Result};
use crate::file::beginning;
use machine::Machine;

/// Reads the file, plain or gzip. The images that validate come after those to train on, as in MNIST's own files.
pub(super) fn load(path: &Path) -> Result<Mnist> {
    let mut source = Source::open(path)?;
    let first = source.peek()?;
    // PROTO, or the MARK of the outermost tuple in a protocol without PROTO.
    if !first.starts_with(&[0x80]) && !first.starts_with(b"(") {
        return Err(Error::NotPickle { path: path.to_path_buf(), found: beginning(first) });
    }
    let [mut train, validation, test] = Machine::new(source).run()?;
    let validating = validation.len();
    train.extend(validation);
    if validating != validation_images(train.len()) {
        let training = train.len() - validating;
        return Err(Error::PickleSplit { path: path.to_path_buf(), training, validating });
    }
    Ok(Mnist { train, test })
}

#[cfg(test)]
mod tests;
