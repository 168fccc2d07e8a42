//! What happens to a convolution's maps before its activation: nothing, or max-pooling.
//!
//! As in the book's `network3.ConvPoolLayer`, pooling comes before the activation. Each of the activations here
//! grows with its argument, so the result is the same, for a quarter of the work.

/// A pooling over squares that do not overlap.
pub trait Pool: Copy + Send + Sync + 'static {
    /// The side of a square, in pixels.
    const SIDE: usize;
    /// Its words in the architecture's text.
    const NAME: &'static str;
}

/// No pooling: every position stays.
#[derive(Clone, Copy, Debug)]
pub struct NoPool;

/// The greatest value of each 2x2 square; the first of equals, by rows. Its gradient goes to that position alone.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2;

impl Pool for NoPool {
    const SIDE: usize = 1;
    const NAME: &'static str = "";
}

impl Pool for MaxPool2 {
    const SIDE: usize = 2;
    const NAME: &'static str = " maxpool2";
}
