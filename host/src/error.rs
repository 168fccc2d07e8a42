//! What can go wrong on the PC, as one flat enum. Each message is one line, whole by itself: the file, the place in
//! it, what is wrong, and what to do about it. Causes are named `cause`, not `source`: they are part of the message,
//! and a printer which walks the chain must not print them twice.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::shell;

/// The result of this crate's functions which can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The same error with the flag of the command line that is about it, if it names none yet.
    pub fn about(self, flag: &'static str) -> Self {
        if self.to_string().contains("--") { self } else { Self::About { error: self.into(), flag } }
    }
}

/// Everything that can go wrong on the PC.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is documented; its message says what each of its fields is")]
pub enum Error {
    /// An error about what a flag of the command line names.
    #[error("{error} ({flag})")]
    About { error: Box<Error>, flag: &'static str },

    // Files.
    /// A file could not be opened or read.
    #[error("{path}: cannot be read: {cause}; check that it exists and that you may read it")]
    Read { path: PathBuf, cause: io::Error },

    /// A file could not be written; what stood under its name before still stands there.
    #[error(
        "{path}: cannot be written: {cause}; check that there is room on the disk and that you may write to its \
         directory"
    )]
    Write { path: PathBuf, cause: io::Error },

    /// The directory a file is to be written into does not exist.
    #[error("{path}: cannot be written: there is no directory {directory}; create it first, or mend the path")]
    NoParent { path: PathBuf, directory: PathBuf },

    /// What is to be a file has the name of something else, such as a directory or a device.
    #[error("{path}: cannot be written: this is the name of a directory or a device; choose another name")]
    NotAFile { path: PathBuf },

    /// A link that leads to no file.
    #[error(
        "{path}: cannot be written: it is a link to a file that is not there; remove the link, or choose another name"
    )]
    Dangling { path: PathBuf },

    /// A picture of somebody else's would be replaced.
    #[error(
        "{path}: there is a file of this name that Minnet did not make; choose another name, or replace it with --force"
    )]
    NotOurs { path: PathBuf },

    /// A file would be replaced by what is made of it.
    #[error("{path}: this is what it is made of, and would be replaced; choose another name with --out")]
    OntoItself { path: PathBuf },

    /// Another program writes to this file.
    #[error("{path}: another run writes it at this moment; wait for its end, or choose another name with --out")]
    Claimed { path: PathBuf },

    /// A result could not be written where it should, but elsewhere.
    #[error("{cause}\nwhat was learned is not lost: it is in {place}")]
    Rescued { cause: Box<Error>, place: PathBuf },

    /// A file that training cannot go on from.
    #[error("{path}: {problem}")]
    Checkpoint { path: PathBuf, problem: &'static str },

    /// JSON has no room for such a path.
    #[error("{path}: --json cannot write this name, which is not UTF-8; choose another name, or leave out --json")]
    NotText { path: PathBuf },

    // The data set.
    /// The images would be written over those they are made from.
    #[error("{directory}: the images come from here, and would be replaced; choose another directory with --out")]
    ReplacesData { directory: PathBuf },

    /// Neither here nor in the repository is there a directory `data/mnist` with MNIST's files.
    #[error(
        "no data are named, and no directory data/mnist, here or above, has MNIST's four files: put them there \
         (train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz), or \
         name the data with --data"
    )]
    NoDefaultData,

    /// The directory or file of a data set does not exist.
    #[error(
        "{directory}: no such directory or file; name the directory which holds MNIST's four files (train-…, t10k-…), \
         or the book's mnist.pkl.gz"
    )]
    NoDirectory { directory: PathBuf },

    /// A data set is so small that its copies would be among the images that validate.
    #[error(
        "{validating} images validate, and only a set of 10,000 keeps its place when the others become five: expand \
         all of MNIST, or choose fewer images with `host train --images`"
    )]
    TooFewToExpand { validating: usize },

    /// A directory lacks one of MNIST's files.
    #[error("{directory}: has neither {name} nor {name}.gz; put the file there, under one of these names")]
    NoDataFile { directory: PathBuf, name: &'static str },

    /// A file does not begin as IDX files do.
    #[error("{path}: byte 0: not an IDX file: it begins with {found}; get the file anew from a copy of MNIST")]
    NotIdx { path: PathBuf, found: String },

    /// An IDX file holds something other than bytes.
    #[error("{path}: byte 2: holds elements of type 0x{found:02x}, not bytes (0x08); write it with unsigned bytes")]
    IdxElement { path: PathBuf, found: u8 },

    /// An IDX file has another number of dimensions than it needs: most often labels stand for images or vice versa.
    #[error(
        "{path}: byte 3: has {found} dimensions, not {expected}; images have 3 and labels have 1: check that the two \
         files are not exchanged"
    )]
    IdxRank { path: PathBuf, found: u8, expected: u8 },

    /// The images of an IDX file are not of MNIST's size.
    #[error("{path}: byte 8: images of {rows} x {columns} pixels, not 28 x 28; scale them to 28 x 28 first")]
    ImageSize { path: PathBuf, rows: u32, columns: u32 },

    /// An IDX file ends before its header says; `offset` and `needed` count decompressed bytes.
    #[error("{path}: byte {offset}: the data end here, {needed} bytes are needed; the file is cut off: get it anew")]
    Truncated { path: PathBuf, offset: u64, needed: u64 },

    /// An IDX file goes on after the end its header gives; `offset` counts decompressed bytes.
    #[error("{path}: byte {offset}: the data go on after the end its header gives; the file is damaged: get it anew")]
    TrailingBytes { path: PathBuf, offset: u64 },

    /// A gzip file is cut off; `offset` counts the bytes decompressed before.
    #[error("{path}: the gzip file is cut off, {offset} bytes into its contents; get it anew")]
    GzipTruncated { path: PathBuf, offset: u64 },

    /// A gzip file is damaged; `offset` counts the bytes decompressed before.
    #[error("{path}: the gzip file is damaged, {offset} bytes into its contents: {cause}; get it anew")]
    GzipCorrupt { path: PathBuf, offset: u64, cause: io::Error },

    /// An IDX file holds no items at all.
    #[error("{path}: byte 4: holds 0 items; a data set needs at least one")]
    EmptyData { path: PathBuf },

    /// The images and the labels of a data set are not of one number.
    #[error(
        "{images_path} holds {images} images, but {labels_path} holds {labels} labels; use two files of the same set"
    )]
    CountMismatch { images_path: PathBuf, images: usize, labels_path: PathBuf, labels: usize },

    /// A label is not a digit.
    #[error("{path}: byte {offset}: label {label}, but labels are digits, 0 to 9; mend the label or get the file anew")]
    LabelRange { path: PathBuf, offset: u64, label: i64 },

    /// Data cannot be used: the file, the place in it if there is one, and what is wrong.
    #[error("{path}: {place}{}{problem}", if place.is_empty() { "" } else { ": " })]
    Data { path: PathBuf, place: String, problem: Box<crate::data::Problem> },

    /// A part of the data that was asked for is empty.
    #[error("{path}: has no {part} samples; choose others with --set")]
    NoSamples { path: PathBuf, part: &'static str },

    /// Samples in memory do not belong together.
    #[error(transparent)]
    Samples(#[from] crate::data::Problem),

    // The data set as the book's pickle; `offset` counts decompressed bytes.
    /// A file is no pickle.
    #[error(
        "{path}: byte 0: not a pickle: it begins with {found}; name the book's mnist.pkl.gz, or the directory of MNIST's \
         four files"
    )]
    NotPickle { path: PathBuf, found: String },

    /// A pickle does something that the book's data do not need.
    #[error(
        "{path}: byte {offset}: {what}, which the book's mnist.pkl.gz does without; nothing was executed; get it anew, or \
         write its three pairs of arrays with protocol=4"
    )]
    PickleForeign { path: PathBuf, offset: u64, what: String },

    /// A pickle holds something other than three pairs of arrays.
    #[error(
        "{path}: byte {offset}: {what}; the book's mnist.pkl.gz is a tuple of three pairs, each an array of float32 \
         images (n x 784) and one of int64 labels (n), or, in mnist_expanded.pkl.gz, lists of these: get it anew"
    )]
    PickleContent { path: PathBuf, offset: u64, what: String },

    /// A pixel in a pickle is not what a byte gives.
    #[error(
        "{path}: byte {offset}: pixel value {value:?}, but each is k/256 with a whole k from 0 to 255 in the book's \
         mnist.pkl.gz: get it anew, or divide the bytes by 256"
    )]
    PixelRange { path: PathBuf, offset: u64, value: f32 },

    /// A pickle's sets are not of the sizes that a data set is split into.
    #[error(
        "{path}: {training} images to train on and {validating} to validate with; a sixth of both, at most 10,000, must \
         validate: the book's mnist.pkl.gz has 50,000 and 10,000"
    )]
    PickleSplit { path: PathBuf, training: usize, validating: usize },

    // Signatures.
    /// The system gives no random numbers.
    #[error("no key can be made: the system gives no random numbers: {cause}")]
    Random { cause: String },

    /// A file is not a secret key.
    #[error("{path}: not a secret key, which is 64 hexadecimal digits: make one with `host sign key FILE`")]
    SecretKey { path: PathBuf },

    /// A file is not a signature.
    #[error("{path}: not a signature: {found} bytes instead of 64; sign the model with `host sign model`")]
    Signature { path: PathBuf, found: usize },

    // Pictures.
    /// A file begins as neither PNG nor JPEG pictures do.
    #[error(
        "{path}: byte 0: neither a PNG nor a JPEG picture: it begins with {found}; save the picture as PNG or JPEG"
    )]
    NotPicture { path: PathBuf, found: String },

    /// A picture is damaged or cut off.
    #[error("{path}: the picture cannot be decoded: {cause}; open it in a picture editor and save it anew")]
    PictureCorrupt { path: PathBuf, cause: String },

    /// A picture has more pixels than any digit needs.
    #[error("{path}: {width} x {height} pixels are more than {limit}; crop the picture to the digit or scale it down")]
    PictureTooLarge { path: PathBuf, width: u32, height: u32, limit: u64 },

    /// A picture is blank: nothing in it stands out from its background as strokes do.
    #[error(
        "{path}: no digit found: no strokes stand out from the background; write darker, or crop to the digit; --show FILE \
         shows what was seen"
    )]
    NoInk { path: PathBuf },

    /// A picture of what should be one digit shows several.
    #[error("{path}: more than one digit: {count} were found; crop to one, or read all of them with --many")]
    SeveralDigits { path: PathBuf, count: usize },

    /// What a picture shows looks like no digit, or like several.
    #[error(
        "{path}: not sure that it is a digit: {first} has a score of {score:.2}, {second} of {second_score:.2}; write \
         clearer, or crop to the digit; --show FILE shows what was seen"
    )]
    NotSure { path: PathBuf, first: usize, score: f32, second: usize, second_score: f32 },

    // Networks and models.
    /// No network has this name.
    #[error(
        "there is no network {name}; did you mean {nearest}? `host nets` lists them all; a text can be any network, such \
         as \"{}\"",
        crate::architecture::EXAMPLE
    )]
    UnknownNet { name: String, nearest: &'static str },

    /// A text is no network. Under the message stands the text, with carets below the place.
    #[error(transparent)]
    Text(#[from] crate::architecture::TextError),

    /// No experiment has this name.
    #[error("there is no experiment {name}; did you mean {nearest}? `host experiment` lists them all")]
    UnknownExperiment { name: String, nearest: &'static str },

    /// The network does not go with this cost.
    #[error("network {net} does not go with the cost {cost}; it goes with: {known} (--cost)")]
    UnknownCost { net: String, cost: String, known: String },

    /// A file is not a model, or a damaged one, or one of another network.
    #[error("{path}: {cause}")]
    Model { path: PathBuf, cause: minnet::model::ModelError },

    /// A file is not the JSON that the book's `network2.py` writes.
    #[error("{path}: not a network of the book's network2.py: {cause}; write it with Network.save")]
    Network2Json { path: PathBuf, cause: String },

    /// A weight or a bias in such a file is no number, or too large.
    #[error(
        "{path}: {what}, which is no number of 32 bits: the training there diverged; train it again, with a smaller \
         learning rate"
    )]
    Network2NotFinite { path: PathBuf, what: String },

    /// The arrays of such a file do not fit together.
    #[error("{path}: {what}; write it anew with network2.py's Network.save")]
    Network2Content { path: PathBuf, what: String },

    /// The sizes in such a file are those of no network.
    #[error("{path}: its sizes are no network's: {cause}")]
    Network2Sizes { path: PathBuf, cause: crate::architecture::TextError },

    /// Such a file names a cost that is unknown here.
    #[error("{path}: its cost {cost:?} is unknown here; put CrossEntropyCost or QuadraticCost in its place")]
    Network2Cost { path: PathBuf, cost: String },

    /// A model cannot be written for the book's `network2.py`.
    #[error(
        "{path}: holds a network that network2.py cannot have ({architecture}): there, every layer is dense, of sigmoid \
         neurons; take another form with --to, or train one such as 784-30-10 with cross-entropy"
    )]
    NotNetwork2 { path: PathBuf, architecture: String },

    /// A network cannot come from another program's file, or go into one.
    #[error("{path}: {cause}")]
    Exchange { path: PathBuf, cause: crate::exchange::ExchangeError },

    /// An integer model cannot be made of another.
    #[error("{path}: holds an integer network already; quantize the float model that it was made of")]
    QuantizedAlready { path: PathBuf },

    /// An integer network was made that nobody could read.
    #[error(
        "the network has weights that are too large or too small for integers: train it again, with --lambda ({cause})"
    )]
    Integers { cause: minnet::model::ModelError },

    /// An integer network gives other answers than the float one.
    #[error(
        "{path}: in integers it gives the same answer for {agreement} of the training samples only, and was not written; look \
         for weights that are much larger than the others, try --finetune N or more --bits, or write it with --force"
    )]
    Disagreement { path: PathBuf, agreement: String },

    /// A network's output is not a number.
    #[error(
        "the network's output for sample {sample} is not a number, or infinite: its weights are too large; train again with a \
         smaller --eta, or with --lambda"
    )]
    NotANumber { sample: usize },

    /// A network on a device gives no number.
    #[error("{line}: the network's output is not a number, or infinite: its weights are too large; train another")]
    DeviceNotANumber { line: String },

    /// A model's name is that of its training curve.
    #[error(
        "{path}: the training curve will have this name; name the model otherwise with --out, for example with .minnet"
    )]
    ModelName { path: PathBuf },

    /// Settings of training that do not go together.
    #[error("{problem}")]
    Settings { problem: &'static str },

    /// A model cannot teach the network that is to be trained.
    #[error("{path}: cannot teach this network: {what} (--teacher)")]
    Teacher { path: PathBuf, what: String },

    /// Two models are for other data.
    #[error(
        "{path}: cannot be tested together with {first}: its classes or its inputs are others; name models for the same data"
    )]
    Together { first: PathBuf, path: PathBuf },

    /// The weights became infinite or not numbers. `why` says what else than the learning rate is to be blamed, if so.
    #[error(
        "training diverged in epoch {epoch} at learning rate {eta:?}{why}; nothing was written: try a smaller {flag}"
    )]
    Diverged { epoch: u32, eta: f32, why: String, flag: &'static str },

    // Searches.
    /// A search that is to begin has no budget.
    #[error(
        "{path}: has no search.json, so no search: begin one with --flash BYTES, or name the folder of one with --out"
    )]
    SearchNew { path: PathBuf },

    /// No candidate fits the budget.
    #[error("no network for {shape} was found that fits the budget: allow more with --flash, --ram or --instructions")]
    SearchEmpty { shape: String },

    /// Nothing judges the candidates.
    #[error("{path}: has no validation samples, by which candidates are judged: give more samples with --data")]
    SearchBlind { path: PathBuf },

    /// A search's plan is damaged.
    #[error("{path}: is no plan of a search: {problem}; delete it to begin anew")]
    SearchPlan { path: PathBuf, problem: String },

    /// What is asked for is not what the search was begun with.
    #[error("{path}: this search was begun with another {flag}; leave it out to go on, or begin another with --out")]
    SearchOther { path: PathBuf, flag: &'static str },

    /// A trial is not one of those that are left.
    #[error("{path}: trial {trial} is none of the {left} that are left in this round; --pending lists them")]
    Trial { path: PathBuf, trial: usize, left: usize },

    // Devices.
    /// No device was named.
    #[error("no device is named: give its --port, or the address of an emulated one with --tcp")]
    DeviceNone,

    /// Nobody answers at an address.
    #[error(
        "{address}: cannot connect: {cause}; check the address, such as 127.0.0.1:4444, and that a device waits there: \
         `cargo xtask device BOARD` starts an emulated one and connects"
    )]
    DeviceConnect { address: String, cause: io::Error },

    /// A serial port could not be opened.
    #[cfg(feature = "device")]
    #[error("{port}: cannot be opened: {cause}; check the cable and that you may use the port; ports here: {known}")]
    DeviceOpen { port: String, cause: serialport::Error, known: String },

    /// A device gave no answer.
    #[error(
        "{line}: no answer in {:.1} s{heard}; check that it is connected, runs the program `serve`, and is not used by \
         another program",
        patience.as_secs_f32()
    )]
    DeviceSilent { line: String, patience: Duration, heard: String },

    /// A device answered, and its bytes, or those of the request, did not arrive as they were.
    #[error(
        "{line}: no whole answer in {:.1} s: bytes come, but damaged, or not an answer{heard}; check that the line carries all 8 bits at \
         115200 bits a second, without flow control (XON/XOFF), that its cable is sound, and that the device runs the \
         program `serve`",
        patience.as_secs_f32()
    )]
    DeviceDamaged { line: String, patience: Duration, heard: String },

    /// The line to a device broke.
    #[error("{line}: the device is gone: {cause}{heard}; check the cable, and start again")]
    DeviceGone { line: String, cause: io::Error, heard: String },

    /// The firmware speaks another version of the protocol.
    #[error(
        "{line}: its firmware speaks version {found} of the protocol, this program version {known}; build both from the \
         same sources"
    )]
    DeviceVersion { line: String, found: u8, known: u8 },

    /// A device did not do what it was asked.
    #[error("{line}: the device does not do it: {why}")]
    DeviceRefused { line: String, why: &'static str },

    /// A device has another network than the model.
    #[error(
        "{path}: the model is of another network ({model}) than the device's ({device}); name the model that the firmware \
         was built with (--model), or build it with MINNET_MODEL={}",
        shell::word(&path.to_string_lossy())
    )]
    DeviceNetwork { path: PathBuf, model: String, device: String },

    /// A device has the model's network with other weights.
    #[error(
        "{path}: the model has other weights (hash {model:016x}) than the device (hash {device:016x}); name the model that \
         the firmware was built with (--model), or build it with {variable}={}",
        shell::word(&path.to_string_lossy())
    )]
    DeviceWeights { path: PathBuf, model: u64, device: u64, variable: &'static str },

    /// A model with a type of weights that devices are not asked for.
    #[error(
        "{path}: its weights are not of 8 bits, and devices serve floats and 8 bits (but for layers whose text has a width of its \
         own); name one of those models (--model)"
    )]
    DeviceElement { path: PathBuf },

    /// A device gives other bits than this machine.
    #[error("{line}: {what} differ from this machine's; build the firmware and this program from the same sources")]
    DeviceDiffers { line: String, what: String },

    /// The text of the network that learns on a device is none.
    #[error("{line}: the text of the network that learns there is no network: {cause}")]
    DeviceText { line: String, cause: crate::architecture::TextError },

    // Networks and data.
    /// A network is given as many parameters as it does not have.
    #[error("{found} parameters for a network that has {expected}")]
    Parameters { found: usize, expected: usize },

    /// A model file's text describes no network.
    #[error("{path}: the text of its architecture is no network: {cause}")]
    ModelText { path: PathBuf, cause: crate::architecture::TextError },

    /// A network has no integer form.
    #[error("the network cannot be quantized: {cause}")]
    Quantize { cause: minnet::quant::QuantError },

    /// The data are not for this network.
    #[error(
        "the network takes {inputs} values and gives {outputs}; the data have {pixels} values a sample and {classes} \
         classes or numbers: begin the network's text (--net) with their size, and end it with an output for each class, or \
         name other data (--data)"
    )]
    Sizes { inputs: usize, outputs: usize, pixels: usize, classes: usize },

    /// The data are no images of bytes.
    #[error(
        "only images of bytes can be augmented, and the data are {found}: begin the network's text with the images' \
         shape, such as 28x28x1, or leave out --augment"
    )]
    Augment { found: String },

    /// The values that a network takes have no range.
    #[error(
        "the inputs reach from {least} to {most}: too far for steps of a byte; scale the data down, or leave out what \
         lies far from the rest"
    )]
    InputRange { least: f32, most: f32 },

    /// What a model says of its data has no room in its file.
    #[error(
        "the names of the classes and what the values are normalized by take {length} bytes of the model file, which \
         has room for {most}: give shorter names"
    )]
    DescriptionLength { length: usize, most: usize },

    // The machine.
    /// A file takes more memory than one of its size may.
    #[error(
        "{path}: it takes more than {} MB of memory, of which a file of its size may have no more; if it is what it should \
         be, give it more with --memory",
        limit >> 20
    )]
    Limit { path: PathBuf, limit: u64 },

    /// The machine does not have the memory that a file takes.
    #[error(
        "{path}: the {bytes} bytes of memory that it takes are not to be had; close other programs, or take a part of it"
    )]
    Room { path: PathBuf, bytes: u64 },

    /// There is not enough memory.
    #[error("{bytes} bytes of memory are not to be had; try a smaller --batch, or close other programs")]
    Memory { bytes: usize },

    /// The threads could not be started.
    #[error("the threads could not be started: {cause}; try a smaller --threads")]
    Threads { cause: rayon::ThreadPoolBuildError },

    /// The handler for Ctrl-C could not be installed.
    #[cfg(feature = "cli")]
    #[error("Ctrl-C cannot be caught: {cause}; run the program from a terminal or a plain shell")]
    Signals { cause: ctrlc::Error },

    /// The standard output could not be written.
    #[error("the results cannot be written to the standard output: {cause}")]
    Output { cause: io::Error },
}
