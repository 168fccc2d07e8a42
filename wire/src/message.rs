//! The messages. They are encoded by their order here: what is added goes to the end, and [`VERSION`](crate::VERSION)
//! grows.

use serde::{Deserialize, Serialize};

/// What the PC asks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who are you? Begins a session; the answer is [`Answer::Identity`].
    Who,
    /// What does this network make of this image? The answer is [`Answer::Outputs`].
    Classify {
        /// The network to ask. Where an embedded one works in the memory of the one that learns, that one is forgotten.
        which: Which,
        /// The image, [packed](crate::image::pack).
        image: &'a [u8],
    },
    /// Begin to learn with a fresh network; the answer is [`Answer::Done`]. One image is a mini-batch of its own.
    Reset {
        /// What the weights are drawn from.
        seed: u64,
        /// The learning rate η.
        rate: f32,
        /// What every weight is multiplied by in a step; 1 without regularization.
        decay: f32,
    },
    /// Take a step with this image; the answer is [`Answer::Outputs`], what the network gave before the step.
    Learn {
        /// The image's class.
        label: u8,
        /// The image, [packed](crate::image::pack).
        image: &'a [u8],
    },
    /// The hash of a network's weights; the answer is [`Answer::Hash`].
    Hash(Which),
}

/// A network on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    /// The one that the firmware was built with, in flash.
    Embedded,
    /// The one that learns, in RAM.
    Learning,
    /// The embedded one in integers, in flash, too. Its outputs are logits, of 16 bits each.
    Integers,
}

/// What the device answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer<'a> {
    /// To [`Request::Who`].
    #[serde(borrow)]
    Identity(Identity<'a>),
    /// To [`Request::Classify`] and [`Request::Learn`].
    Outputs {
        /// All of the network's outputs, as their little-endian bytes.
        bytes: &'a [u8],
        /// Ticks of the device's counter that it took.
        ticks: u32,
    },
    /// To [`Request::Hash`].
    Hash(u64),
    /// To [`Request::Reset`].
    Done,
    /// The request was not executed.
    Refused(Refusal),
}

/// Who a device is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity<'a> {
    /// The board's name, at most 32 bytes.
    pub board: &'a str,
    /// Bytes of flash that the firmware takes, weights included.
    pub flash: u32,
    /// Bytes of RAM that its statics take.
    pub ram: u32,
    /// The most bytes of stack in use so far.
    pub stack: u32,
    /// The network that the firmware was built with.
    #[serde(borrow)]
    pub embedded: Network<'a>,
    /// The network that learns, if the board has room for one.
    pub learning: Option<Network<'a>>,
    /// The same architecture as the embedded network's, in integers.
    pub integers: Integers,
}

/// An integer network in a few numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integers {
    /// Bytes of its weights, biases and scales.
    pub bytes: u32,
    /// Bytes of RAM that one inference takes.
    pub ram: u32,
}

/// A network in a few words and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network<'a> {
    /// The architecture in words, at most 255 bytes.
    pub architecture: &'a str,
    /// The name of the cost that it learns with, at most 16 bytes; empty for one that does not learn.
    pub cost: &'a str,
    /// What tells the architecture from others, as in a model file.
    pub fingerprint: u32,
    /// Bytes of its weights and biases.
    pub bytes: u32,
    /// Bytes of RAM that one inference takes.
    pub ram: u32,
}

/// Why a request was not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// What arrived is no frame: send it again. The device cannot tell which request it was, so this answer has
    /// session 0 and number 0.
    Garbled,
    /// The frame is of another version of the protocol; session and number are 0.
    Version,
    /// The session is not known: the device has started anew.
    Session,
    /// The number does not follow the last one.
    Order,
    /// The image does not unpack to the right number of pixels.
    Image,
    /// The label is none of the network's classes.
    Label,
    /// There is no network that learns on this device.
    NoLearning,
    /// The network that learns has not been reset, or was forgotten: see [`Request::Classify`].
    NotReset,
    /// There is no room for an inference of an embedded network.
    NoRoom,
    /// The answer is longer than [`ANSWER_MAX`](crate::ANSWER_MAX).
    TooLong,
}
