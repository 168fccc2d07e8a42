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

/// Where MNIST is looked for: here, and in each directory above.
const DEFAULT: &str = "data/mnist";

/// The names of MNIST's files: the images and the labels to train on, and those to test with.
const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Images and their labels; image `i` has label `i`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mnist {
    /// To learn from: 60,000 digits in MNIST proper.
    pub train: Dataset,
    /// To be judged by: 10,000 digits in MNIST proper.
    pub test: Dataset,
}

impl Mnist {
    /// Loads MNIST's four files from a directory: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    /// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each so or with `.gz`, with a dot for the hyphen before
    /// `idx` or not, and in a folder of its name or not; or the book's `mnist.pkl.gz`, if that is what is named.
    ///
    /// # Errors
    ///
    /// [`Error::NoDirectory`], [`Error::NoDataFile`], those of [`Dataset::load`], and those of the book's pickle.
    pub fn load(path: &Path) -> Result<Self> {
        if path.is_file() {
            return pickle::load(path);
        }
        if !path.is_dir() {
            return Err(source::refuse_pipe(path)
                .err()
                .unwrap_or(Error::NoDirectory { directory: path.to_path_buf() }));
        }
        let [train_images, train_labels, test_images, test_labels] = files(path)?;
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

/// Where MNIST's four files are in a directory. All are looked for before any is read, so that one which is missing is
/// told at once.
fn files(directory: &Path) -> Result<[PathBuf; 4]> {
    let [a, b, c, d] = FILES.map(|name| find(directory, name));
    Ok([a?, b?, c?, d?])
}

/// Where a file is that has this name, or as unpackers change it: with a dot in the place of a hyphen, or in a folder of
/// its own name. A folder is no file, whatever its name.
fn find(directory: &Path, name: &'static str) -> Result<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let names = [name, &dotted].map(|name| [name.to_owned(), format!("{name}.gz")]).concat();
    let folders = [directory.to_path_buf(), directory.join(name), directory.join(dotted)];
    let mut candidates = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
    let found = candidates.find(|path| path.is_file());
    found.ok_or_else(|| Error::NoDataFile { directory: directory.to_path_buf(), name })
}

/// The directory of the data set when none is named: `data/mnist` in the current directory or one above it, else the
/// one in the repository this program was built from. One that lacks any of MNIST's files is passed over.
///
/// # Errors
///
/// [`Error::NoDefaultData`] if there is none.
pub fn default_directory() -> Result<PathBuf> {
    let here = env::current_dir().unwrap_or_default();
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    first_with_digits(here.ancestors().chain(built_from))
}

/// The first `data/mnist` in one of these directories that has MNIST's files.
fn first_with_digits<'a>(directories: impl Iterator<Item = &'a Path>) -> Result<PathBuf> {
    let mut candidates = directories.map(|directory| directory.join(DEFAULT));
    candidates.find(|directory| files(directory).is_ok()).ok_or(Error::NoDefaultData)
}

#[cfg(test)]
mod tests;
