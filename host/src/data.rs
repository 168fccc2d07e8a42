//! Data to learn from. [`open`] reads files and directories of many kinds as [`Data`]: samples of any shape, bytes or
//! floats, with classes or numbers to be predicted, in parts to train on, to validate with and to test with.
//!
//! ```no_run
//! use minnet_host::data::{self, Options};
//!
//! let data = data::open("flowers.csv".as_ref(), &Options::default())?;
//! println!("{data}; the classes are {}", data.classes.join(", "));
//! for (sample, target) in data.train().iter() {
//!     println!("{target:?}: {} values, the first {}", sample.len(), sample.get(0));
//! }
//! # Ok::<(), minnet_host::error::Error>(())
//! ```
//!
//! [`Mnist`] is MNIST: handwritten digits as 28 x 28 gray bytes, their labels, where the files are found, and how they are
//! split.

mod array;
mod arrays;
mod cifar;
mod csv;
mod describe;
mod expand;
mod folder;
mod folders;
mod idx;
mod npy;
mod open;
mod pickle;
mod picture;
mod problem;
mod set;
mod show;
mod source;
mod split;
mod targets;
mod unlabelled;
mod windows;

use std::env;
use std::path::{Path, PathBuf};

pub use describe::{Class, PARTS, Range, Summary};
pub use expand::expanded;
pub use idx::{write_idx_images, write_idx_labels};
pub use open::{Options, open};
pub use problem::Problem;
pub use set::{Data, Sample, Set, Target, Targets, Values, View};
pub use split::Part;
pub use targets::Kind as TargetKind;
pub use unlabelled::open_unlabelled;

use crate::architecture::Shape;
use crate::error::{Error, Result};
use crate::samples::Samples;
use minnet::normalization::Normalization;

/// A digit: 28 rows of 28 pixels, top row first, from 0 (paper) to 255 (ink).
pub type Image = [u8; PIXELS];

/// Pixels of a digit.
pub const PIXELS: usize = 28 * 28;
/// Digits there are.
pub const CLASSES: usize = 10;
/// What a digit is.
const SHAPE: Shape = Shape::Image { height: 28, width: 28, channels: 1 };

const IN_REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/mnist");

/// Images and their labels; image `i` has label `i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The images.
    pub images: Vec<Image>,
    /// What each image shows, 0 to 9; as many as images.
    pub labels: Vec<u16>,
}

impl Dataset {
    /// Reads a data set of two IDX files, plain or gzip, told by their contents. The memory in use stays near the
    /// size of the images: they are never held twice.
    ///
    /// # Errors
    ///
    /// A distinct [`Error`] for each way a file can be missing, damaged or of the wrong kind.
    pub fn load(images_path: &Path, labels_path: &Path) -> Result<Self> {
        let labels = idx::read_labels(labels_path)?;
        let images = idx::read_images(images_path)?;
        if images.len() != labels.len() {
            return Err(Error::CountMismatch {
                images_path: images_path.to_path_buf(),
                images: images.len(),
                labels_path: labels_path.to_path_buf(),
                labels: labels.len(),
            });
        }
        Ok(Self { images, labels })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are no images; never so for a data set that was loaded.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Adds samples at the end.
    pub fn extend(&mut self, more: Self) {
        self.images.extend(more.images);
        self.labels.extend(more.labels);
    }

    /// All of it, as a view.
    pub fn samples(&self) -> Samples<'_> {
        digits(&self.images, &self.labels)
    }
}

/// Digits and their labels as samples: as many as there are of both.
pub fn digits<'a>(images: &'a [Image], labels: &'a [u16]) -> Samples<'a> {
    let count = images.len().min(labels.len());
    let view = View::images(SHAPE, images[..count].as_flattened(), &labels[..count]);
    Samples::new(view, Normalization::PIXELS)
}

/// MNIST's two sets, or others under the same file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mnist {
    /// To learn from: 60,000 digits in MNIST proper.
    pub train: Dataset,
    /// To be judged by: 10,000 digits in MNIST proper.
    pub test: Dataset,
}

impl Mnist {
    /// Loads MNIST's four files from a directory: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    /// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each so or with `.gz`; or the book's `mnist.pkl.gz`, if
    /// that is what is named.
    ///
    /// # Errors
    ///
    /// [`Error::NoDirectory`], [`Error::NoDataFile`], those of [`Dataset::load`], and those of the book's pickle.
    pub fn load(path: &Path) -> Result<Self> {
        if path.is_file() {
            return pickle::load(path);
        }
        let directory = path;
        if !directory.is_dir() {
            return Err(Error::NoDirectory { directory: directory.to_path_buf() });
        }
        // All four are looked for before any is read, so that one which is missing is told at once.
        let train_images = find(directory, "train-images-idx3-ubyte")?;
        let train_labels = find(directory, "train-labels-idx1-ubyte")?;
        let test_images = find(directory, "t10k-images-idx3-ubyte")?;
        let test_labels = find(directory, "t10k-labels-idx1-ubyte")?;
        Ok(Self {
            train: Dataset::load(&train_images, &train_labels)?,
            test: Dataset::load(&test_images, &test_labels)?,
        })
    }

    /// Writes MNIST's four files, not compressed, into a directory; each is written whole or not at all.
    ///
    /// # Errors
    ///
    /// Those of [`write_idx_images`].
    pub fn save(&self, directory: &Path) -> Result<()> {
        // Images come last: until they are all there, their number gives away that they are not of one set.
        write_idx_labels(&directory.join("train-labels-idx1-ubyte"), &self.train.labels)?;
        write_idx_labels(&directory.join("t10k-labels-idx1-ubyte"), &self.test.labels)?;
        write_idx_images(&directory.join("t10k-images-idx3-ubyte"), &self.test.images)?;
        write_idx_images(&directory.join("train-images-idx3-ubyte"), &self.train.images)
    }

    /// The standard split of the training set into what is learned from and what validates: the last sixth, but at most
    /// 10,000, so the first 50,000 and the last 10,000 of MNIST's 60,000.
    pub fn split(&self) -> (Samples<'_>, Samples<'_>) {
        let count = self.train.len();
        self.train.samples().split_at(count - validation_images(count))
    }
}

/// How many of the last training images validate.
fn validation_images(count: usize) -> usize {
    (count / 6).min(10_000)
}

fn find(directory: &Path, name: &'static str) -> Result<PathBuf> {
    let candidates = [directory.join(name), directory.join(format!("{name}.gz"))];
    let found = candidates.into_iter().find(|path| path.exists());
    found.ok_or_else(|| Error::NoDataFile { directory: directory.to_path_buf(), name })
}

/// The directory of the data set when none is named: `data/mnist` in the current directory or one above it, else the
/// one in the repository this program was built from.
///
/// # Errors
///
/// [`Error::NoDefaultData`] if there is none.
pub fn default_directory() -> Result<PathBuf> {
    let here = env::current_dir().unwrap_or_default();
    let above = here.ancestors().map(|directory| directory.join("data/mnist"));
    let mut candidates = above.chain([PathBuf::from(IN_REPOSITORY)]);
    candidates.find(|path| path.is_dir()).ok_or(Error::NoDefaultData)
}

#[cfg(test)]
mod tests;
