//! Arithmetic on sizes that stable Rust cannot write in a type (`N - 4`, `N / 2`, `H * W * C`): tables made by macros.
//!
//! The tables end where a microcontroller does: images of 5 to 64 pixels a side for a convolution, and square
//! images of at most 14 x 14 x 64 for `Flatten`. A size beyond them is a compile error, and one more number here. The
//! compiler is told not to recommend the tables' rows: the errors would list them.

use crate::pool::{MaxPool2, NoPool};
use crate::tensor::{Element, Tensor};

/// The side of an image, in pixels.
pub struct Size<const N: usize>;

/// What a 5x5 convolution, and the pooling `P` after it, make of a side.
#[diagnostic::on_unimplemented(
    message = "`Conv5x5` with `{P}` cannot take an image whose side is `{Self}`",
    label = "this side is too small, too large, or leaves an odd side to the pooling",
    note = "a 5x5 convolution takes 4 from a side of 5 to 64 pixels; `MaxPool2` then needs an even side"
)]
pub trait Window<P> {
    /// The rows that are left, each a `T`.
    type Rows<E: Element, T: Tensor<E>>: Tensor<E>;
}

macro_rules! after_convolution {
    ($($side:literal)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Window<NoPool> for Size<$side> {
            type Rows<E: Element, T: Tensor<E>> = [T; $side - 4];
        }
    )*};
}

macro_rules! after_pooling {
    ($($side:literal)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Window<MaxPool2> for Size<$side> {
            type Rows<E: Element, T: Tensor<E>> = [T; ($side - 4) / 2];
        }
    )*};
}

after_convolution! {
    5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41
    42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
}

after_pooling! {
    6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38 40 42 44 46 48 50 52 54 56 58 60 62 64
}

/// An image of `SIDE` x `SIDE` pixels and `CHANNELS` channels.
pub struct Volume<const SIDE: usize, const CHANNELS: usize>;

/// An image's values as one vector.
#[diagnostic::on_unimplemented(
    message = "`Flatten` has no size for `{Self}`",
    label = "this image is too large for the table",
    note = "`Flatten` takes images of at most 14 x 14 pixels and 64 channels (`core/src/shape.rs`)"
)]
pub trait Flat {
    /// `[f32; SIDE * SIDE * CHANNELS]`.
    type Vector: Tensor;
}

macro_rules! vectors {
    ($side:literal: $($channels:literal)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Flat for Volume<$side, $channels> {
            type Vector = [f32; $side * $side * $channels];
        }
    )*};
}

macro_rules! sides {
    ($($side:literal)*) => {$(
        vectors! { $side:
            1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36
            37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
        }
    )*};
}

sides! { 1 2 3 4 5 6 7 8 9 10 11 12 13 14 }
