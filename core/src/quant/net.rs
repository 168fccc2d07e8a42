//! A network in integers, used where it lies.

use super::QuantizedList;
use super::input::Input;
use super::kernel::halves;
use super::layer::QuantLayer;
use super::ops::{Loader, Next, buffers, check, scratch, validate, words};
use super::weights::{Int8, Weights, Word};
use crate::model::{ModelError, check_quantized};
use crate::net::Net;
use crate::op::Op;
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use core::ops::Range;

/// The integer twin of the float network `N`, where it lies in a model file. Weights of layers that have no width of their
/// own have the width `W`.
///
/// ```
/// use minnet::prelude::*;
/// use minnet::quant::{Int4, Quantized};
///
/// type Digits = Net<[f32; 784], seq![Dense<784, 30, Sigmoid>, Dense<30, 10, Sigmoid>]>;
///
/// assert_eq!(Digits::FLASH_BYTES, 95_440);
/// assert_eq!(Quantized::<Digits>::FLASH_BYTES, 24_004);
/// assert_eq!(Quantized::<Digits, Int4>::FLASH_BYTES, 12_076);
/// ```
pub struct Quantized<'a, N, W = Int8> {
    words: &'a [Word],
    kind: PhantomData<fn() -> (N, W)>,
}

impl<N, W> Clone for Quantized<'_, N, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N, W> Copy for Quantized<'_, N, W> {}

impl<'a, In: Tensor, L: QuantLayer<In>, W: Weights> Quantized<'a, Net<In, L>, W> {
    const OPS: &'static [Op] = L::OPS.as_slice();
    const BUFFERS: [usize; 2] = buffers(Self::OPS);
    const SCRATCH: usize = scratch(Self::OPS, W::WIDTH, cfg!(minnet_thumb1));
    const LOADER: Loader = Loader::of(Self::OPS);
    /// Words of weights, biases and scales, and the value of a logit's step, of a network that takes pixels.
    pub const WORDS: usize = match check(Self::OPS) {
        Ok(()) => words(Self::OPS, W::WIDTH),
        Err(error) => panic!("{}", error.message()),
    };
    /// Bytes of flash that they take.
    pub const FLASH_BYTES: usize = Self::WORDS * size_of::<Word>();
    /// Words of RAM that inference needs, its input included: the length of the buffer for
    /// [`infer_pixels`](Self::infer_pixels).
    pub const RAM: usize = Self::BUFFERS[0] + Self::BUFFERS[1] + Self::SCRATCH;
    /// Bytes of RAM that inference needs, its input included.
    pub const RAM_BYTES: usize = Self::RAM * size_of::<u32>();
    /// The architecture in words: that of the float network.
    pub const ARCHITECTURE: Text = Net::<In, L>::ARCHITECTURE;
    /// What tells this architecture from others in a model file: that of the float network.
    pub const FINGERPRINT: u32 = Net::<In, L>::FINGERPRINT;
    /// The number of the element type in a model file.
    pub const ELEMENT: u32 = W::WIDTH.element();

    /// The network in a model file's block.
    ///
    /// # Errors
    /// What [`validate`] finds.
    pub fn new(block: &'a [u8]) -> Result<Self, ModelError> {
        let words = words_in(block)?;
        validate(Self::OPS, W::WIDTH, words)?;
        Ok(Self::unchecked(words))
    }

    /// Checks everything in the network's file but the metadata's encoding, and says where in it the block lies.
    ///
    /// # Errors
    /// The first defect found, in the order of [`ModelError`]'s variants.
    pub const fn check(file: &[u8]) -> Result<Range<usize>, ModelError> {
        check_quantized(file, Self::OPS, W::WIDTH, Self::FINGERPRINT)
    }

    /// The network in these words. Others than those that [`new`](Self::new) accepts give senseless results.
    pub const fn unchecked(words: &'a [Word]) -> Self {
        Self { words, kind: PhantomData }
    }

    /// The same network as a list of operators.
    pub const fn list(self) -> QuantizedList<'a> {
        QuantizedList::unchecked(Self::OPS, W::WIDTH, self.words)
    }

    /// The bytes of its words.
    pub fn block(&self) -> &'a [u8] {
        self.words.as_flattened()
    }

    /// A hash of these bytes: CRC-64/XZ. Equal hashes mean equal networks.
    pub fn weight_hash(&self) -> u64 {
        self.list().weight_hash()
    }

    /// The value of a logit's step: a logit times this is the weighted input z of an output neuron.
    pub fn step(&self) -> f32 {
        self.list().step()
    }

    /// What the bytes that it takes stand for: pixels, or a sensor's values ([`Input::quantize`]).
    pub fn input(&self) -> Input {
        self.list().input()
    }

    /// The logits for an image of 8-bit pixels, or other bytes ([`input`](Self::input)), computed in `ram`, which needs
    /// [`RAM`](Self::RAM) words. Fewer do not compile. Pixels beyond the input's size are left out; where there are too
    /// few, the rest is 0.
    pub fn infer_pixels<'r, const RAM: usize>(&self, pixels: &[u8], ram: &'r mut [u32; RAM]) -> &'r [i16] {
        const { assert!(RAM >= Self::RAM, "the buffer is too short: give it `Quantized::RAM` words") }
        self.infer_pixels_with(pixels, ram)
    }

    /// As [`infer_pixels`](Self::infer_pixels), in a buffer whose length is known only when the program runs; no logits
    /// if it is too short.
    #[inline(always)]
    pub fn infer_pixels_with<'r>(&self, pixels: &[u8], ram: &'r mut [u32]) -> &'r [i16] {
        let Some(ram) = ram.get_mut(..const { Self::RAM }) else { return &[] };
        let (front, rest) = ram.split_at_mut(const { Self::BUFFERS[0] });
        let (back, scratch) = rest.split_at_mut(const { Self::BUFFERS[1] });
        // In one place of the flash: as a constant of the code it would cost each network another number of instructions.
        const { &Self::LOADER }.load(pixels, zero_of(self.words, const { Self::WORDS }), front);
        L::run::<W>(self.words, front, back, scratch, Next::Nobody);
        let output = if L::IN_PLACE { front } else { back };
        halves(output).as_flattened().get(..L::Out::LEN).unwrap_or_default()
    }
}

/// A model file's block as words.
pub(super) fn words_in(block: &[u8]) -> Result<&[Word], ModelError> {
    match block.as_chunks() {
        (words, []) => Ok(words),
        _ => Err(ModelError::Layout),
    }
}

/// The byte that stands for 0, where the words before it are so many.
#[inline(always)]
pub(super) fn zero_of(words: &[Word], before: usize) -> u8 {
    // Behind the input's step.
    words.get(before + 1).map_or(0, |[zero, ..]| *zero)
}

/// The index of the greatest logit; the first of equals; 0 for none.
pub fn argmax(logits: &[i16]) -> usize {
    let mut best = 0;
    for (index, logit) in logits.iter().enumerate() {
        if Some(logit) > logits.get(best) {
            best = index;
        }
    }
    best
}
