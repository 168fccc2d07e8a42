//! The model file: a network's weights, in a form that a program uses where they lie.
//!
//! `docs/model-format.md` is the specification. A file is a fixed prelude, postcard-encoded [`Metadata`], the weights
//! as one aligned little-endian block, and a CRC-32 over all of it. [`Model::parse`] checks everything and copies
//! nothing; [`include_model!`](crate::include_model) checks a file while the program compiles.

mod description;
#[cfg(feature = "signed")]
pub mod signed;

pub use description::{Classes, Description};

use crate::layer::Layer;
use crate::net::{Net, PIXEL_DIVISOR};
use crate::op::{Op, parameters as parameters_of, range};
use crate::quant::{self, Input, QuantLayer, Quantized, Weights, Width, Word};
use crate::tensor::Tensor;
use core::fmt;
use core::ops::Range;
use heapless::String;
use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, IntoBytes};

/// The first eight bytes of a model file. As in PNG, the line ends show what a text transfer did to it.
pub const MAGIC: [u8; 8] = *b"MINNET\r\n";
/// The version of the format that this crate reads and writes.
pub const VERSION: u32 = 1;
/// The element type of the weights: 32-bit IEEE 754. Those of integer networks are [`Width::element`].
pub const ELEMENT_F32: u32 = 0;
/// Where the metadata begin: the length of the prelude.
const PRELUDE: usize = 32;
/// The weights begin at a multiple of this.
const ALIGNMENT: usize = 16;
/// The most bytes that encoded metadata take, the description among them.
pub const METADATA_MAX: usize = 1 << 16;
/// More than they take without it: two strings of 255 bytes, one of 16, and seven numbers.
const METADATA_SHORT: usize = 640;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// What a model file says of its network and of how it was trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The architecture in words ([`Net::ARCHITECTURE`]).
    pub architecture: String<255>,
    /// What 8-bit pixels are divided by to make the input.
    pub pixel_divisor: u16,
    /// The name of the cost.
    pub cost: String<16>,
    /// The seed of the training run.
    pub seed: u64,
    /// Epochs trained, up to these weights.
    pub epochs: u32,
    /// Images trained on in an epoch.
    pub training_images: u32,
    /// Share of the validation images classified rightly, from 0 to 1; NaN if not measured.
    pub validation_accuracy: f32,
    /// Share of the test images classified rightly, from 0 to 1; NaN if not measured.
    pub test_accuracy: f32,
    /// The command that made the file.
    pub command: String<255>,
}

/// Why bytes are not a model of the network that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// The first bytes are not those of a model file.
    NotAModel,
    /// It was a model file before something moved it as if it were a text: the line end in its [`MAGIC`] is another, or no
    /// byte has its high bit.
    TextMode,
    /// The file's format has another version.
    Version(u32),
    /// The weights are numbers of another type than the one that was asked for.
    Element(u32),
    /// The file ends before it should.
    Truncated {
        /// Bytes that the file should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// There are bytes after the end.
    TrailingBytes {
        /// Bytes that the file should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// The sizes in the prelude contradict each other.
    Layout,
    /// The checksum does not match: a byte has changed.
    Checksum,
    /// The weights belong to another network.
    Architecture {
        /// The fingerprint of the network that was asked for.
        expected: u32,
        /// The fingerprint in the file.
        found: u32,
    },
    /// The architecture is the one that was asked for, and yet the file has more or fewer weights.
    Count {
        /// Weights, or bytes of an integer network, that the architecture has.
        expected: usize,
        /// What the file says.
        found: usize,
    },
    /// A byte between the parts is not zero.
    Padding,
    /// Pixels are divided by another number than 256.
    PixelDivisor(u64),
    /// A weight is infinite or not a number.
    NotFinite {
        /// The place of the weight in the block, counted from 0.
        index: usize,
    },
    /// The file is not what the owner of the public key has signed.
    #[cfg(feature = "signed")]
    Signature,
    /// A layer's sums could be infinite, though no weight is ([`range`]).
    Overflow {
        /// Its place, counted from 1.
        layer: usize,
    },
    /// A network of these layers has no integer form ([`quant::check`]).
    Layers,
    /// A weight of an integer network is below its range.
    Weight,
    /// What a row of an integer network's weights leaves of its last word is not zero.
    RowPadding,
    /// An integer network's bias is out of its range.
    Bias,
    /// An integer network's scale is out of its range.
    Scale,
    /// The value of a logit's step is not a positive number.
    Step,
    /// What an integer network takes has no positive step, or no byte for 0.
    Input,
    /// The bytes do not begin at a multiple of 4 in memory, so that the weights cannot be used in place.
    Misaligned,
    /// The metadata cannot be decoded.
    Metadata,
    /// A mean or a factor of the input's normalization is not finite, or a factor is 0.
    Normalization,
}

impl ModelError {
    /// What is wrong and what to do, in words that do not depend on numbers.
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotAModel => "this is not a minnet model: make one with `host train`",
            Self::TextMode => {
                "the model was moved in text mode, which changed its line ends or its high bits: copy it again, in binary mode"
            }
            Self::Version(_) => "the model's format version is not this program's: train or export it again",
            Self::Element(_) => {
                "the weights are of another type than the program's: floats, or integers of some width (see `host \
                 quantize`); integers of types 1 and 2 are of an earlier version: quantize again"
            }
            Self::Truncated { .. } => "the model is cut short: copy it again, in binary mode",
            Self::TrailingBytes { .. } => "there are bytes after the model's end: copy it again, in binary mode",
            Self::Layout => "the model's sizes contradict each other: the file is damaged, copy it again",
            Self::Checksum => "the model's checksum is wrong: the file is damaged, copy it again",
            Self::Architecture { .. } => "the model belongs to another network than the program's",
            Self::Count { .. } => {
                "the model's number of weights is not that of its architecture: if it is an integer model of an older \
                 version, quantize its float model again; else the program that wrote it is at fault"
            }
            Self::Padding => "a byte between the model's parts is not zero: the program that wrote it is at fault",
            Self::NotFinite { .. } => "a weight is infinite or not a number: train again, with a smaller --eta",
            Self::PixelDivisor(_) => {
                "the model's pixels are divided by another number than 256: the program that wrote it is at fault"
            }
            #[cfg(feature = "signed")]
            Self::Signature => "the signature is not that of this file by this key: get both anew from whom the key is",
            Self::Overflow { .. } => {
                "the weights are so large that a layer's sums could be infinite: train again, with a smaller --eta or with --l2"
            }
            Self::Layers => "a network of these layers has no integer form: the program that wrote it is at fault",
            Self::Weight => "a weight of the integer model is out of its range: the program that wrote it is at fault",
            Self::RowPadding => {
                "a row of the integer model's weights does not end with zeros: the program that wrote it is at fault"
            }
            Self::Bias => "a bias of the integer model is out of its range: the program that wrote it is at fault",
            Self::Step => {
                "the step of the integer model's logits is not a positive number: the program that wrote it is at fault"
            }
            Self::Input => {
                "the step or the zero of the integer model's input is out of its range: the program that wrote it is at fault"
            }
            Self::Scale => "a scale of the integer model is out of its range: the program that wrote it is at fault",
            Self::Misaligned => "the model's bytes are not aligned to 4: embed them with `include_model!`",
            Self::Metadata => "the model's metadata cannot be decoded: the program that wrote it is at fault",
            Self::Normalization => {
                "the model's input has a mean or a factor that is of no use: the program that wrote it is at fault"
            }
        }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match *self {
            Self::Version(found) => write!(f, " (the file has version {found}, the program {VERSION})"),
            Self::Element(found) => write!(f, " (type {found})"),
            Self::PixelDivisor(found) => write!(f, " (by {found})"),
            Self::Truncated { expected, found } | Self::TrailingBytes { expected, found } => {
                write!(f, " ({found} bytes instead of {expected})")
            }
            Self::Architecture { expected, found } => {
                write!(f, " (fingerprint {found:08x} instead of {expected:08x})")
            }
            Self::Count { expected, found } => write!(f, " ({found} instead of {expected})"),
            Self::NotFinite { index } => write!(f, " (weight {index})"),
            Self::Overflow { layer } => write!(f, " (layer {layer})"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for ModelError {}

/// A network in a model file's bytes.
pub struct Model<'a, In: Tensor, L: Layer<In>> {
    /// The network, in place.
    pub net: &'a Net<In, L>,
    /// What the file says of it.
    pub metadata: Metadata,
    /// What the file says of its data.
    pub description: Description<'a>,
}

impl<In: Tensor, L: Layer<In>> Net<In, L> {
    /// What tells this architecture from others in a model file: the CRC-32 of its words.
    pub const FINGERPRINT: u32 = fingerprint(Self::ARCHITECTURE.as_str());

    /// Checks everything in the network's file but the metadata's encoding, and says where in it the weights begin.
    ///
    /// # Errors
    /// The first defect found, in the order of [`ModelError`]'s variants.
    pub const fn check(file: &[u8]) -> Result<usize, ModelError> {
        check(file, const { L::OPS.as_slice() }, Self::FINGERPRINT)
    }
}

/// What tells an architecture from others in a model file: the CRC-32 of its words ([`Net::ARCHITECTURE`]).
pub const fn fingerprint(architecture: &str) -> u32 {
    CRC.checksum(architecture.as_bytes())
}

impl<'a, In: Tensor, L: Layer<In>> Model<'a, In, L> {
    /// Checks `bytes` and finds the network in them. They must begin at a multiple of 4 in memory.
    ///
    /// # Errors
    /// The first defect found, in the order of [`ModelError`]'s variants.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let weights = Net::<In, L>::check(bytes)?;
        let block = bytes.get(weights..).and_then(|rest| rest.get(..Net::<In, L>::FLASH_BYTES));
        let net = Net::ref_from_bytes(block.ok_or(ModelError::Layout)?).map_err(|_| ModelError::Misaligned)?;
        Ok(Self { net, metadata: metadata(bytes)?, description: description(bytes)? })
    }
}

/// The parameters in a float model's bytes, in place, where the architecture is known as a text. The bytes must begin at a
/// multiple of 4 in memory.
///
/// # Errors
/// As [`Model::parse`].
pub fn parameters<'a>(bytes: &'a [u8], ops: &[Op], architecture: &str) -> Result<&'a [f32], ModelError> {
    let weights = check(bytes, ops, fingerprint(architecture))?;
    let block = bytes.get(weights..).and_then(|rest| rest.get(..4 * parameters_of(ops))).ok_or(ModelError::Layout)?;
    <[f32]>::ref_from_bytes(block).map_err(|_| ModelError::Misaligned)
}

/// An integer network in a model file's bytes.
pub struct QuantizedModel<'a, N, W> {
    /// The network, in place.
    pub net: Quantized<'a, N, W>,
    /// What the file says of it.
    pub metadata: Metadata,
    /// What the file says of its data.
    pub description: Description<'a>,
}

impl<'a, In: Tensor, L: QuantLayer<In>, W: Weights> QuantizedModel<'a, Net<In, L>, W> {
    /// Checks `bytes` and finds the integer network in them. They may begin anywhere in memory.
    ///
    /// # Errors
    /// The first defect found, in the order of [`ModelError`]'s variants.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let block = bytes.get(Quantized::<Net<In, L>, W>::check(bytes)?).ok_or(ModelError::Layout)?;
        let (words, _) = block.as_chunks();
        let net = Quantized::unchecked(words);
        Ok(Self { net, metadata: metadata(bytes)?, description: description(bytes)? })
    }
}

/// The type of the weights in a model file of any network, after checking its checksum.
///
/// # Errors
/// As [`Model::parse`], but for what only a network's type can tell.
pub const fn element(bytes: &[u8]) -> Result<u32, ModelError> {
    match Header::parse(bytes) {
        Ok(header) => Ok(header.element),
        Err(error) => Err(error),
    }
}

/// Checks everything but the metadata's encoding and the weights themselves, and gives the place of the weights and their
/// `count`: the number of parameters of a float network, or of bytes of an integer one, which may be `more`.
const fn check_block(
    bytes: &[u8],
    element: u32,
    fingerprint: u32,
    count: usize,
    more: usize,
) -> Result<(usize, usize), ModelError> {
    let header = match Header::parse(bytes) {
        Ok(header) => header,
        Err(error) => return Err(error),
    };
    if header.element != element {
        return Err(ModelError::Element(header.element));
    }
    if header.fingerprint != fingerprint {
        return Err(ModelError::Architecture { expected: fingerprint, found: header.fingerprint });
    }
    if header.count != count && header.count != count + more {
        return Err(ModelError::Count { expected: count, found: header.count });
    }
    let mut i = PRELUDE + header.metadata;
    while i < header.weights {
        if bytes[i] != 0 {
            return Err(ModelError::Padding);
        }
        i += 1;
    }
    match check_divisor(bytes.split_at(PRELUDE).1.split_at(header.metadata).0) {
        Ok(()) => Ok((header.weights, header.count)),
        Err(error) => Err(error),
    }
}

/// Whether pixels are divided by what this program divides them by, where the metadata can be decoded so far.
const fn check_divisor(encoded: &[u8]) -> Result<(), ModelError> {
    let Some((_, rest)) = description::string(encoded) else { return Ok(()) };
    match description::varint(rest) {
        Some((found, _)) if found != PIXEL_DIVISOR as u64 => Err(ModelError::PixelDivisor(found)),
        _ => Ok(()),
    }
}

/// Checks everything in a float network's file but the metadata's encoding, and gives the place of the weights.
///
/// # Errors
/// The first defect found, in the order of [`ModelError`]'s variants.
pub const fn check(bytes: &[u8], ops: &[Op], fingerprint: u32) -> Result<usize, ModelError> {
    let parameters = parameters_of(ops);
    let weights = match check_block(bytes, ELEMENT_F32, fingerprint, parameters, 0) {
        Ok((weights, _)) => weights,
        Err(error) => return Err(error),
    };
    let mut index = 0;
    while index < parameters {
        // Exponents of ones alone are infinities and NaN.
        if word(bytes, weights + 4 * index) >> 23 & 0xff == 0xff {
            return Err(ModelError::NotFinite { index });
        }
        index += 1;
    }
    match range::overflows(ops, bytes.split_at(weights).1) {
        Some(layer) => Err(ModelError::Overflow { layer }),
        None => Ok(weights),
    }
}

/// Checks everything in an integer network's file but the metadata's encoding, and says where in it the block lies.
///
/// # Errors
/// The first defect found, in the order of [`ModelError`]'s variants.
pub const fn check_quantized(
    bytes: &[u8],
    ops: &[Op],
    width: Width,
    fingerprint: u32,
) -> Result<Range<usize>, ModelError> {
    if quant::check(ops).is_err() {
        return Err(ModelError::Layers);
    }
    let count = quant::words(ops, width) * size_of::<Word>();
    let more = Input::WORDS * size_of::<Word>();
    let (start, count) = match check_block(bytes, width.element(), fingerprint, count, more) {
        Ok(block) => block,
        Err(error) => return Err(error),
    };
    let (words, _) = bytes.split_at(start).1.split_at(count).0.as_chunks();
    match quant::validate(ops, width, words) {
        Ok(()) => Ok(start..start + count),
        Err(error) => Err(error),
    }
}

/// Reads the metadata of a model of any network, after checking its checksum.
///
/// # Errors
/// As [`Model::parse`], but for what only a network's type can tell.
pub fn metadata(bytes: &[u8]) -> Result<Metadata, ModelError> {
    let header = Header::parse(bytes)?;
    let encoded = bytes.get(PRELUDE..PRELUDE + header.metadata).ok_or(ModelError::Layout)?;
    check_divisor(encoded)?;
    postcard::from_bytes(encoded).map_err(|_| ModelError::Metadata)
}

/// Reads the description of the data of a model of any network, after checking its checksum.
///
/// # Errors
/// As [`Model::parse`], but for what only a network's type can tell.
pub const fn description(bytes: &[u8]) -> Result<Description<'_>, ModelError> {
    let header = match Header::parse(bytes) {
        Ok(header) => header,
        Err(error) => return Err(error),
    };
    let (encoded, _) = bytes.split_at(PRELUDE).1.split_at(header.metadata);
    match behind_metadata(encoded) {
        Some(rest) => Description::parse(rest),
        None => Err(ModelError::Metadata),
    }
}

/// What follows the fields of [`Metadata`].
const fn behind_metadata(encoded: &[u8]) -> Option<&[u8]> {
    let mut rest = encoded;
    let mut fields: &[u8] = b"snsnnnffs";
    while let Some((kind, others)) = fields.split_first() {
        let found = match kind {
            b's' => description::string(rest),
            b'n' => match description::varint(rest) {
                Some((_, rest)) => Some((rest, rest)),
                None => None,
            },
            _ => rest.split_at_checked(4),
        };
        let Some((_, behind)) = found else { return None };
        (rest, fields) = (behind, others);
    }
    Some(rest)
}

/// The sizes in a file's prelude.
struct Header {
    element: u32,
    fingerprint: u32,
    /// Bytes of metadata.
    metadata: usize,
    /// Where the weights begin.
    weights: usize,
    /// Parameters of a float network, or bytes of an integer one.
    count: usize,
}

/// The bytes of [`MAGIC`] before its line end.
const NAME: usize = MAGIC.len() - 2;

/// Whether no byte has its high bit.
const fn is_seven_bit(bytes: &[u8]) -> bool {
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] >= 0x80 {
            return false;
        }
        i += 1;
    }
    true
}

impl Header {
    const fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        match Self::of_bytes(bytes) {
            Err(ModelError::TrailingBytes { .. } | ModelError::Layout | ModelError::Checksum)
                if is_seven_bit(bytes) =>
            {
                Err(ModelError::TextMode)
            }
            result => result,
        }
    }

    const fn of_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut i = 0;
        while i < MAGIC.len() {
            if i < bytes.len() && bytes[i] != MAGIC[i] {
                return Err(if i < NAME { ModelError::NotAModel } else { ModelError::TextMode });
            }
            i += 1;
        }
        if bytes.len() < PRELUDE {
            return Err(ModelError::Truncated { expected: PRELUDE, found: bytes.len() });
        }
        let (version, element) = (word(bytes, 8), word(bytes, 12));
        if version != VERSION {
            return Err(ModelError::Version(version));
        }
        if element != ELEMENT_F32 && Width::of_element(element).is_none() {
            return Err(ModelError::Element(element));
        }
        let fingerprint = word(bytes, 16);
        // Sizes are added as 64-bit numbers: a damaged one must not overflow a 32-bit machine's.
        let (metadata, weights, count) = (word(bytes, 20), word(bytes, 24), word(bytes, 28));
        let (metadata, weights, count) = (metadata as u64, weights as u64, count as u64);
        let expected = weights + if element == ELEMENT_F32 { 4 * count } else { count } + 4;
        if expected > bytes.len() as u64 {
            let expected = if expected > usize::MAX as u64 { usize::MAX } else { expected as usize };
            return Err(ModelError::Truncated { expected, found: bytes.len() });
        }
        if expected < bytes.len() as u64 {
            return Err(ModelError::TrailingBytes { expected: expected as usize, found: bytes.len() });
        }
        let aligned = (PRELUDE as u64 + metadata).next_multiple_of(ALIGNMENT as u64);
        if weights != aligned || metadata > METADATA_MAX as u64 {
            return Err(ModelError::Layout);
        }
        let (body, checksum) = bytes.split_at(bytes.len() - 4);
        if CRC.checksum(body) != word(checksum, 0) {
            return Err(ModelError::Checksum);
        }
        let (metadata, weights, count) = (metadata as usize, weights as usize, count as usize);
        Ok(Self { element, fingerprint, metadata, weights, count })
    }
}

/// The little-endian number at `at`, which must lie inside.
const fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Writes a model file, piece by piece, to `put`. The architecture and the pixels' divisor in `metadata` are set by
/// the network.
///
/// # Errors
/// What `put` gives; writing stops there.
pub fn write<In: Tensor, L: Layer<In>, E>(
    net: &Net<In, L>,
    metadata: &Metadata,
    description: Description<'_>,
    put: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    write_file(Net::<In, L>::ARCHITECTURE.as_str(), ELEMENT_F32, L::PARAMETERS, metadata, description, put, |emit| {
        let mut result = Ok(());
        net.visit(|_, run| {
            if result.is_ok() {
                result = emit(run.as_bytes());
            }
        });
        result
    })
}

/// As [`write()`], where the architecture is known as a text; the parameters are in the order of its layers.
///
/// # Errors
/// What `put` gives; writing stops there.
pub fn write_parameters<E>(
    architecture: &str,
    parameters: &[f32],
    metadata: &Metadata,
    description: Description<'_>,
    put: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    write_file(architecture, ELEMENT_F32, parameters.len(), metadata, description, put, |emit| {
        emit(parameters.as_bytes())
    })
}

/// Writes the file of an integer network, as [`write()`] does: of [`Quantized::block`], with its architecture's text.
///
/// # Errors
/// What `put` gives; writing stops there.
pub fn write_quantized<E>(
    architecture: &str,
    width: Width,
    block: &[u8],
    metadata: &Metadata,
    description: Description<'_>,
    put: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    write_file(architecture, width.element(), block.len(), metadata, description, put, |emit| emit(block))
}

fn write_file<E>(
    architecture: &str,
    element: u32,
    count: usize,
    metadata: &Metadata,
    description: Description<'_>,
    mut put: impl FnMut(&[u8]) -> Result<(), E>,
    block: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E>,
) -> Result<(), E> {
    let mut metadata = metadata.clone();
    metadata.architecture.clear();
    // A text and the string hold 255 bytes each.
    let _ = metadata.architecture.push_str(architecture);
    metadata.pixel_divisor = PIXEL_DIVISOR;
    let mut encoded = [0; METADATA_SHORT];
    let encoded = postcard::to_slice(&metadata, &mut encoded).map_or(&[][..], |encoded| encoded);
    // One that is too long is left out: no reader would take it.
    let description = Some(description.encoded()).filter(|more| encoded.len() + more.len() <= METADATA_MAX);
    let description = description.unwrap_or_default();

    let length = encoded.len() + description.len();
    let weights = (PRELUDE + length).next_multiple_of(ALIGNMENT);
    let sizes = [length as u32, weights as u32, count as u32];
    let mut digest = CRC.digest();
    let mut emit = |bytes: &[u8]| {
        digest.update(bytes);
        put(bytes)
    };
    emit(&MAGIC)?;
    for number in [VERSION, element, fingerprint(architecture)].into_iter().chain(sizes) {
        emit(&number.to_le_bytes())?;
    }
    emit(encoded)?;
    emit(description)?;
    emit(&[0; ALIGNMENT][..weights - PRELUDE - length])?;
    block(&mut emit)?;
    put(&digest.finalize().to_le_bytes())
}

/// A network from a model file, checked while the program compiles: a file that is damaged, or that belongs to
/// another network, does not build. Use it for a `static`; on a microcontroller the weights then lie in flash.
///
/// The path is relative to the source file, as in `include_bytes!`.
///
/// ```text
/// static DIGITS: Digits = minnet::include_model!(Digits, "../models/digits.minnet");
/// ```
#[macro_export]
macro_rules! include_model {
    ($net:ty, $path:expr) => {{
        const FILE: &[u8] = include_bytes!($path);
        #[allow(long_running_const_eval)]
        const WEIGHTS: usize = match <$net>::check(FILE) {
            Ok(place) => place,
            Err(error) => panic!("{}", error.message()),
        };
        const BLOCK: [u8; <$net>::FLASH_BYTES] = match FILE.split_at(WEIGHTS).1.first_chunk() {
            Some(block) => *block,
            None => panic!("the model is cut short"),
        };
        $crate::zerocopy::transmute!(BLOCK)
    }};
}

/// What a model file says of its data, checked while the program compiles: the names of the classes, and how raw values
/// become the network's input. Nothing else of the file gets into the program.
///
/// ```text
/// static DATA: Description = minnet::include_description!("../models/gestures.minnet");
/// DATA.normalization().apply(&raw, &mut input);
/// ```
#[macro_export]
macro_rules! include_description {
    ($path:expr) => {{
        const FILE: &[u8] = include_bytes!($path);
        #[allow(long_running_const_eval)]
        const DESCRIPTION: $crate::model::Description = match $crate::model::description(FILE) {
            Ok(description) => description,
            Err(error) => panic!("{}", error.message()),
        };
        static BYTES: [u8; DESCRIPTION.encoded().len()] = match DESCRIPTION.encoded().first_chunk() {
            Some(bytes) => *bytes,
            None => panic!("the model is cut short"),
        };
        match $crate::model::Description::parse(&BYTES) {
            Ok(description) => description,
            Err(error) => panic!("{}", error.message()),
        }
    }};
}

/// An integer network from a model file, checked while the program compiles as [`include_model!`] checks a float one.
///
/// ```text
/// static DIGITS: Quantized<Digits> = minnet::include_quantized!(Quantized<'static, Digits>, "../models/digits-int8.minnet");
/// ```
#[macro_export]
macro_rules! include_quantized {
    ($net:ty, $path:expr) => {{
        const FILE: &[u8] = include_bytes!($path);
        #[allow(long_running_const_eval)]
        const BLOCK: core::ops::Range<usize> = match <$net>::check(FILE) {
            Ok(block) => block,
            Err(error) => panic!("{}", error.message()),
        };
        // At a multiple of 4, where a microcontroller reads words at once.
        #[repr(align(4))]
        struct Aligned([[u8; 4]; (BLOCK.end - BLOCK.start) / 4]);
        static WORDS: Aligned = match FILE.split_at(BLOCK.start).1.as_chunks::<4>().0.first_chunk() {
            Some(words) => Aligned(*words),
            None => panic!("the model is cut short"),
        };
        <$net>::unchecked(&WORDS.0)
    }};
}
