//! What happens to a convolution's maps before its activation: nothing, or max-pooling.
//!
//! As in the book's `network3.ConvPoolLayer`, pooling comes before the activation. Each of the activations that a
//! convolution takes grows with its argument, so the result is the same, for a quarter of the work.

use crate::kernel::run::{Run, Tile};
use crate::kernel::vector::Vector;
use crate::text::Text;

/// A pooling over squares that do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Every position stays.
    None,
    /// The greatest value of each 2x2 square; the first of equals, by rows. Its gradient goes to that position alone.
    Max2,
}

/// A pooling as a type.
pub trait Pool: Copy + Send + Sync + 'static {
    /// The pooling.
    const POOLING: Pooling;
}

/// [`Pooling::None`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct NoPool;

/// [`Pooling::Max2`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2;

impl Pool for NoPool {
    const POOLING: Pooling = Pooling::None;
}

impl Pool for MaxPool2 {
    const POOLING: Pooling = Pooling::Max2;
}

impl Pooling {
    /// Every pooling.
    pub const ALL: &[Self] = &[Self::None, Self::Max2];

    /// The side of a square, in pixels.
    pub const fn side(self) -> usize {
        match self {
            Self::None => 1,
            Self::Max2 => 2,
        }
    }

    /// Its word in the architecture's text; empty for none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Max2 => "maxpool2",
        }
    }

    /// What it makes of integer sums of a square of 2x2 positions, by rows; of the first alone if it has no squares.
    #[inline(always)]
    pub(crate) fn of_sums(self, sums: [i32; 4]) -> i32 {
        let [first, others @ ..] = sums;
        match self {
            Self::None => first,
            Self::Max2 => others.into_iter().fold(first, |greatest, sum| if sum > greatest { sum } else { greatest }),
        }
    }

    /// A text followed by a space and its word, if it has one.
    pub(crate) const fn append(self, text: Text) -> Text {
        if self.name().is_empty() { text } else { text.then(" ").then(self.name()) }
    }

    /// Pools the sums of a square: `position` gives those of each of its positions, by rows. With each value comes, in
    /// the bits of a number that nothing is computed with, the position that it came from; `None` if a position is
    /// missing.
    #[inline(always)]
    pub(crate) fn forward<'a, V: Vector, const N: usize>(
        self,
        position: impl Fn(usize) -> Option<Run<'a, V, N>>,
    ) -> Option<(Tile<V, N>, Tile<V, N>)> {
        let (mut pooled, mut origins) = (Tile::load(position(0)?), Tile::zero());
        for at in 1..self.side() * self.side() {
            pooled.keep_greater(position(at)?, &mut origins, f32::from_bits(at as u32));
        }
        Some((pooled, origins))
    }

    /// Pools two values of a square, of which the second is at the position `at`: as [`forward`](Self::forward), one by
    /// one.
    #[inline(always)]
    pub(crate) fn forward_one(self, pooled: &mut f32, origin: &mut u8, at: u8, value: f32) {
        if value > *pooled {
            (*pooled, *origin) = (value, at);
        }
    }

    /// The position in its square, from its first pixel right and down, that the gradient of a pooled value goes to.
    #[inline(always)]
    pub(crate) fn backward(self, origin: u8) -> (usize, usize) {
        match self {
            Self::None => (0, 0),
            Self::Max2 => (usize::from(origin % 2), usize::from(origin / 2)),
        }
    }
}
