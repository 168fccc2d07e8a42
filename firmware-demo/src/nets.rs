//! The networks, and the memory they work in: as much as the board's is enough for. All of it is static: nothing large
//! crosses the stack, and a program that does not fit does not link.

#[cfg(feature = "training")]
use device::Learning;
use device::training::{self, Image};
#[cfg(feature = "training")]
use device::training::{Memory, Small};
use minnet::prelude::*;
use minnet::quant::Quantized;
use static_cell::ConstStaticCell;

/// What build.rs wrote: a type as it was told, or the one below.
#[allow(missing_docs)]
mod network {
    include!(concat!(env!("OUT_DIR"), "/network.rs"));
}

/// The network of the embedded models.
pub use network::Network as Digits;

/// The network of the repository's model: the one that `host train` trains when it is told nothing.
#[cfg(feature = "large")]
pub type Default = Net<
    Image,
    seq![
        Conv5x5<1, 20, MaxPool2, Relu>,
        Conv5x5<20, 40, MaxPool2, Relu>,
        Flatten,
        Dense<640, 100, Relu>,
        Dense<100, 10, Softmax>
    ],
>;

/// The network of the repository's model: `conv4-conv12-10-relu` on the PC.
#[cfg(not(feature = "large"))]
pub type Default =
    Net<Image, seq![Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 12, MaxPool2, Relu>, Flatten, Dense<192, 10, Softmax>]>;

/// The model that build.rs chose. It is checked here, while the program compiles, and used where it lies, in flash.
pub static DIGITS: Digits = minnet::include_model!(Digits, concat!(env!("OUT_DIR"), "/model.minnet"));

/// Its integer form, of the repository's model.
pub static DIGITS_INT8: Quantized<'static, Digits> =
    minnet::include_quantized!(Quantized<'static, Digits>, concat!(env!("OUT_DIR"), "/model-int8.minnet"));

/// What its inference works in, the image included.
pub static SCRATCH_INT8: ConstStaticCell<[u32; Quantized::<Digits>::RAM]> =
    ConstStaticCell::new([0; Quantized::<Digits>::RAM]);

/// What inference works in, the image to recognize included.
pub static SCRATCH: ConstStaticCell<[f32; Digits::RAM]> = ConstStaticCell::new([0.0; Digits::RAM]);

/// Values that either form works in; of a network that takes more than half of a small board's 16 kB in floats, its integers
/// alone.
#[cfg(not(feature = "training"))]
const EITHER: usize = {
    let (floats, integers) = (Digits::RAM, Quantized::<Digits>::RAM);
    if integers > floats || Digits::RAM_BYTES > 8192 { integers } else { floats }
};

/// What both forms work in, one at a time, the image included. Without room for one of them `serve` says so.
#[cfg(not(feature = "training"))]
pub static SCRATCH_EITHER: ConstStaticCell<[f32; EITHER]> = ConstStaticCell::new([0.0; EITHER]);

/// The network that the device trains.
#[cfg(feature = "training")]
pub static SMALL: ConstStaticCell<Small> = ConstStaticCell::new(Small::ZERO);

/// Its mini-batch.
#[cfg(feature = "training")]
pub static BATCH: ConstStaticCell<Memory> = ConstStaticCell::new([0.0; training::BATCH * Small::SAMPLE]);

#[cfg(feature = "training")]
/// What the device learns with when the PC sends the images.
pub static LEARNING: ConstStaticCell<Learning> = ConstStaticCell::new(Learning::ZERO);

/// The image that the PC has sent.
pub static PIXELS: ConstStaticCell<[u8; training::PIXELS]> = ConstStaticCell::new([0; training::PIXELS]);

/// The messages that come and go.
pub static BUFFERS: ConstStaticCell<wire::Buffers> = ConstStaticCell::new(wire::Buffers::ZERO);
