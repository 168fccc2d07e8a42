//! What happens to a convolution's maps before its activation: nothing, max-pooling, or average pooling.
//!
//! As in the book's `network3.ConvPoolLayer`, pooling comes before the activation. Each of the activations that a
//! convolution takes grows with its argument, so for max-pooling the result is the same, for a quarter of the work.

use crate::kernel::run::{Run, Tile};
use crate::kernel::vector::Vector;
use crate::text::Text;

/// A pooling over squares that do not overlap. Of a map that has one row or one column, as a signal's, it takes pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Every position stays.
    None,
    /// The greatest value of each 2x2 square; the first of equals, by rows. Its gradient goes to that position alone.
    Max2,
    /// The mean of each 2x2 square: the sum by rows, divided. Each position gets its share of the gradient.
    Avg2,
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

/// [`Pooling::Avg2`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2;

impl Pool for NoPool {
    const POOLING: Pooling = Pooling::None;
}

impl Pool for MaxPool2 {
    const POOLING: Pooling = Pooling::Max2;
}

impl Pool for AvgPool2 {
    const POOLING: Pooling = Pooling::Avg2;
}

impl Pooling {
    /// Every pooling.
    pub const ALL: &[Self] = &[Self::None, Self::Max2, Self::Avg2];

    /// How many positions of a side that has so many become one: a side of a single position stays.
    pub const fn of_side(self, positions: usize) -> usize {
        match self {
            Self::None => 1,
            Self::Max2 | Self::Avg2 => {
                if positions == 1 {
                    1
                } else {
                    2
                }
            }
        }
    }

    /// Its word in the architecture's text; empty for none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Max2 => "maxpool2",
            Self::Avg2 => "avgpool2",
        }
    }

    /// What it makes of integer sums of some positions, by rows; the sums of an average stay undivided.
    #[inline(always)]
    pub(crate) fn of_sums<const N: usize>(self, sums: [i32; N]) -> i32 {
        let two = |a: i32, b: i32| match self {
            Self::Avg2 => a.wrapping_add(b),
            Self::None | Self::Max2 => {
                if b > a {
                    b
                } else {
                    a
                }
            }
        };
        sums.into_iter().reduce(two).unwrap_or(0)
    }

    /// A text followed by a space and its word, if it has one.
    pub(crate) const fn append(self, text: Text) -> Text {
        if self.name().is_empty() { text } else { text.then(" ").then(self.name()) }
    }

    /// Pools the sums of a square of `count` positions: `position` gives those of each, by rows. With each value comes, in
    /// the bits of a number that nothing is computed with, the position that it came from; `None` if a position is
    /// missing.
    #[inline(always)]
    pub(crate) fn forward<'a, V: Vector, const N: usize>(
        self,
        count: usize,
        position: impl Fn(usize) -> Option<Run<'a, V, N>>,
    ) -> Option<(Tile<V, N>, Tile<V, N>)> {
        let (mut pooled, mut origins) = (Tile::load(position(0)?), Tile::zero());
        for at in 1..count {
            match self {
                Self::None => {}
                Self::Max2 => pooled.keep_greater(position(at)?, &mut origins, f32::from_bits(at as u32)),
                Self::Avg2 => pooled.add(position(at)?),
            }
        }
        if self == Self::Avg2 {
            pooled.scale(1.0 / count as f32);
        }
        Some((pooled, origins))
    }

    /// Takes one more position of a square, number `at`, into what is pooled: as [`forward`](Self::forward), one by one.
    #[inline(always)]
    pub(crate) fn forward_one(self, pooled: &mut f32, origin: &mut u8, at: u8, value: f32) {
        match self {
            Self::Avg2 => *pooled += value,
            Self::None | Self::Max2 => {
                if value > *pooled {
                    (*pooled, *origin) = (value, at);
                }
            }
        }
    }

    /// The positions of a square of `count`, by rows from the first up to the second, that the gradient of its value goes
    /// to; and what each of them gets, if it is not all.
    #[inline(always)]
    pub(crate) fn backward(self, origin: u8, count: usize) -> (usize, usize, Option<f32>) {
        match self {
            Self::None | Self::Max2 => (origin.into(), usize::from(origin) + 1, None),
            Self::Avg2 => (0, count, Some(1.0 / count as f32)),
        }
    }
}
