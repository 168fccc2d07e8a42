//! What can be wrong with data, and what to do about it. The file and the place in it stand before it, in
//! [`Error::Data`].

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::architecture::Shape;
use crate::error::Error;

/// What is wrong with data.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is documented; its message says what each of its fields is")]
pub enum Problem {
    // Samples in memory.
    /// Values, their shape and their targets do not belong together.
    #[error("{values} values are not {targets} samples of {shape}, one for each target; count them again")]
    Sizes { values: usize, shape: Shape, targets: usize },

    /// A value is infinite or not a number.
    #[error("sample {sample}, value {index}, is {value}; every value must be finite: mend it, or leave the sample out")]
    NotFinite { value: f32, sample: usize, index: usize },

    /// Samples that are to be added are of another kind.
    #[error("{found} cannot be added to {expected}; make them alike first")]
    OtherKind { found: String, expected: String },

    /// A set does not have its parts.
    #[error(
        "{train} samples to train on and {validation} to validate with are no split of {samples}; at least one trains"
    )]
    Parts { train: usize, validation: usize, samples: usize },

    /// A class has no name.
    #[error("label {label}, but there are {classes} classes; labels are counted from 0")]
    Label { label: u16, classes: usize },

    // Where there should be data.
    /// There is nothing of this name.
    #[error("no such file or directory; name the file or the directory that holds the data")]
    Missing,

    /// Something that can be read but once.
    #[error("is a pipe or a device, and data are read more than once; write them into a file, and name that")]
    Pipe,

    /// A file is of no format that is known.
    #[error(
        "holds no data that can be read: it begins with {found}; give IDX, CSV, .npz, .npy or the book's mnist.pkl.gz, or \
         a directory of such files, of CIFAR-10's, or of a folder for each class"
    )]
    Unknown { found: String },

    /// A directory holds nothing that is known.
    #[error(
        "no data are in this directory; it may hold IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte, …), \
         train.csv, x_train.npy and y_train.npy, CIFAR-10's data_batch_1.bin, or a folder of pictures or CSV files for \
         each class"
    )]
    UnknownDirectory,

    /// A picture is given, and not many.
    #[error("is one picture; name the directory that has a folder of pictures for each class")]
    OnePicture,

    /// Two files or arrays could be the same part.
    #[error("{first} and {second} could both be the {what}; keep one of them here")]
    Ambiguous { what: String, first: String, second: String },

    /// A file or an array that belongs to another is missing.
    #[error("there is no {missing} beside it; put it there, under this name")]
    Partner { missing: String },

    // What is in a file.
    /// A header promises more than a packed file can hold.
    #[error("promises {needed} bytes, but no more than {most} can be packed in it; the file is damaged: get it anew")]
    Promise { needed: u64, most: u64 },

    /// A zip archive is damaged, or packed in a way that is not known.
    #[error("the zip archive cannot be read: {cause}; get it anew, or write it anew with numpy.savez")]
    Archive { cause: String },

    /// A sample has no shape that a network takes.
    #[error("samples of {dimensions} are neither vectors nor images (rows, columns, channels); reshape them first")]
    Dimensions { dimensions: String },

    /// Samples and their targets are not of one number.
    #[error("holds {samples} samples, but {other} holds {targets} targets; use two of the same set")]
    Counts { samples: usize, other: String, targets: usize },

    /// Parts of a data set differ in their samples.
    #[error("its samples are of {found}, those of {other} of {expected}; all parts must have one shape")]
    Shapes { found: String, other: String, expected: String },

    /// Samples are not of the shape that is wanted.
    #[error("its samples are of {found}, and {wanted} is wanted{}; give the network this input (--net), or make the data anew", hint(*found, *wanted))]
    Wanted { found: Shape, wanted: Shape },

    /// A value is infinite or not a number; the place says which.
    #[error("the value is {value}; every value must be finite: mend it, or leave the sample out")]
    Infinite { value: f32 },

    /// There are no samples.
    #[error("holds no samples; a data set needs at least one")]
    Empty,

    /// There are too many samples.
    #[error("holds {samples} samples, more than {}; take a part of them", u32::MAX)]
    TooMany { samples: usize },

    /// There are more columns, channels or targets of a sample than are told apart.
    #[error(
        "a sample has more than {most} columns, channels or targets; leave some out, or save pictures with their rows and \
         columns"
    )]
    Columns { most: usize },

    // Targets.
    /// Targets that should be classes are none.
    #[error(
        "the target {value} is no class: classes are whole numbers of at most {most} different values, or texts{REGRESSION}"
    )]
    NotClass { value: f32, most: usize },

    /// Targets that should be classes are rows that do not each mark one.
    #[error("the targets are rows of {count} numbers, and not each marks one class by a 1 among zeros{REGRESSION}")]
    NotOneHot { count: usize },

    /// Targets that should be numbers are texts.
    #[error(
        "the target {text:?} is not a number; name another column with --label, or train a network that tells classes"
    )]
    NotNumber { text: String },

    /// There are more classes than can be.
    #[error("there are more than {most} classes; name another column with --label")]
    TooManyClasses { most: usize },

    // NumPy's arrays.
    /// An array is of a type that holds no numbers.
    #[error("{what}; nothing was executed: save it as an array of numbers, with allow_pickle=False")]
    NotNumbers { what: String },

    /// The header of an array cannot be read.
    #[error("the header of the array cannot be read: {what}; write it anew with numpy.save")]
    Header { what: String },

    /// An archive has no arrays that are known.
    #[error(
        "has no arrays of samples and targets, but {found}; name them x_train, y_train, x_test, y_test; or X, y; or data, \
         target"
    )]
    Arrays { found: String },

    // Tables.
    /// A cell is not a number.
    #[error("{cell:?} is not a number; mend it, or leave the column out")]
    Cell { cell: String },

    /// A cell is empty.
    #[error("the value is missing ({cell:?}); fill it in, or leave the row out")]
    MissingCell { cell: String },

    /// A row is longer or shorter than the others.
    #[error("{found} cells, but the rows before have {expected}; mend the row")]
    Cells { found: usize, expected: usize },

    /// A row is longer than any table's.
    #[error("the row goes on after {most} bytes; the file is damaged, or no table: end each row with a line end")]
    LongRow { most: usize },

    /// A table has a single column.
    #[error("has one column only, so no label beside its values; separate columns by commas, semicolons or tabs")]
    OneColumn,

    /// A table has no such column.
    #[error("there is no column {name:?}; there are: {known}; a number counts columns from 1")]
    NoColumn { name: String, known: String },

    /// Two tables of a set have other columns.
    #[error("its columns are not those of {other}; give both the same")]
    OtherColumns { other: String },

    /// A file is not text.
    #[error("is not text in UTF-8; save it as UTF-8")]
    NotText,

    // Samples to be classified.
    /// A picture for a network that takes something else.
    #[error("is a picture, and the network takes {wanted}: give it a CSV file of numbers")]
    NoPicture { wanted: Shape },

    /// A table that holds no samples for the network.
    #[error(
        "holds {found}, and the network takes {wanted}: give a row for each sample with its values, without a label, or \
         of a signal a row for each step"
    )]
    Unlabelled { found: String, wanted: Shape },

    // Folders.
    /// A folder holds another.
    #[error(
        "is a folder inside the folder of a class; below the data's directory stand the classes' folders, or train, val \
         and test with the classes' folders in them, and nothing deeper"
    )]
    Nested,

    /// A picture is none.
    #[error("is neither a PNG nor a JPEG picture: it begins with {found}; save it as PNG, or take it away")]
    NotPicture { found: String },

    /// A picture is damaged.
    #[error("the picture cannot be decoded: {cause}; save it anew, or take it away")]
    Picture { cause: String },

    /// A picture is too large.
    #[error("{width} x {height} pixels are more than {limit}; scale it down")]
    PictureSize { width: u32, height: u32, limit: u64 },

    /// Pictures differ in size, and no size is wanted.
    #[error(
        "is of {found}, and {other} of {expected}; pictures of several sizes are scaled to the network's input, or to the \
         shape that --shape gives, such as --shape 32x32x3"
    )]
    PictureSizes { found: String, other: String, expected: String },

    /// Pictures cannot be scaled to vectors of any length.
    #[error("pictures make no vectors of {length}; begin the network's text (--net) with an image, such as 32x32x3")]
    PictureVector { length: usize },

    /// A window is of another size.
    #[error("{found} rows by {channels} channels, but {other} has {expected}; all windows must have one size")]
    Window { found: usize, channels: usize, other: String, expected: String },
}

/// What to do about targets that are no classes.
const REGRESSION: &str =
    "; numbers are learned with --targets numbers, by a network that ends in `identity` and has the quadratic cost";

/// For images whose channels come first.
fn hint(found: Shape, wanted: Shape) -> &'static str {
    let (Shape::Image { height, width, channels }, Shape::Image { height: rows, width: columns, channels: depth }) =
        (found, wanted)
    else {
        return "";
    };
    if [height, width, channels] == [depth, rows, columns] {
        " (its channels come first: transpose it with (0, 2, 3, 1))"
    } else {
        ""
    }
}

impl Problem {
    /// The error of this problem at a place in a file; no place is an empty text.
    pub(super) fn at(self, path: &Path, place: impl Display) -> Error {
        Error::Data { path: path.to_path_buf(), place: place.to_string(), problem: self.into() }
    }

    /// The error of this problem with a file as a whole.
    pub fn of(self, path: &Path) -> Error {
        Error::Data { path: PathBuf::from(path), place: String::new(), problem: self.into() }
    }
}
