//! What happens to a convolution's maps before its activation: nothing, or max-pooling.
//!
//! As in the book's `network3.ConvPoolLayer`, pooling comes before the activation. Each of the activations that a
//! convolution takes grows with its argument, so the result is the same, for a quarter of the work.

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
}
