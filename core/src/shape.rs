//! Arithmetic on sizes that stable Rust cannot write in a type (`N - 4`, `N / 2`, `H * W * C`): tables made by macros.
//!
//! A convolution takes images of 1 to 256 pixels a side, filters of 1 to 11, and strides of 1 to 4; `Flatten` has sizes
//! for square images of at most 14 x 14 x 64, and takes others from a type of yours ([`Flat`]). A size beyond the tables
//! is a compile error, and one more number here. The compiler is told not to recommend the tables' rows: the errors would
//! list them.

use crate::op::Padding;
use crate::pool::{AvgPool2, MaxPool2, NoPool};
use crate::tensor::{Element, Tensor};

/// The side of an image, in pixels.
pub struct Size<const N: usize>;

/// How filters are placed on an image, as a type: [`Valid`], [`Same`], or [`Stride`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how filters are placed",
    label = "this stands where a convolution's placement does",
    note = "the last parameter of `Conv` is `Valid`, `Same`, `Stride<N>`, or `Stride<N, Same>`"
)]
pub trait Placement: Copy + Send + Sync + 'static {
    /// Pixels from one position to the next.
    const STRIDE: usize;
    /// What a filter meets beyond the edge.
    const PADDING: Padding;
}

/// [`Padding::Valid`] as a type: filters stay inside the image.
#[derive(Clone, Copy, Debug)]
pub struct Valid;

/// [`Padding::Same`] as a type: zeros around the image, so that a map is as large as it.
#[derive(Clone, Copy, Debug)]
pub struct Same;

/// Positions `N` pixels apart, with the padding `P`.
#[derive(Clone, Copy, Debug)]
pub struct Stride<const N: usize, P = Valid>(core::marker::PhantomData<P>);

impl Placement for Valid {
    const STRIDE: usize = 1;
    const PADDING: Padding = Padding::Valid;
}

impl Placement for Same {
    const STRIDE: usize = 1;
    const PADDING: Padding = Padding::Same;
}

impl<const N: usize, P: Placement> Placement for Stride<N, P> {
    const STRIDE: usize = N;
    const PADDING: Padding = P::PADDING;
}

/// A side: what an image's type is made of.
pub trait Side {
    /// So many rows, each a `T`.
    type Rows<E: Element, T: Tensor<E>>: Tensor<E>;
}

impl<const N: usize> Side for Size<N> {
    type Rows<E: Element, T: Tensor<E>> = [T; N];
}

/// What a convolution makes of a side: filters of `K` pixels, placed by `S`, and the pooling `P` after it.
pub trait Window<const K: usize, S, P> {
    /// The side that is left.
    type Out: Side;
}

impl<const N: usize, const K: usize, S, P> Window<K, S, P> for Size<N>
where
    Self: Placed<K, S>,
    <Self as Placed<K, S>>::Map: Pooled<P>,
{
    type Out = <<Self as Placed<K, S>>::Map as Pooled<P>>::Out;
}

/// The positions of filters of `K` pixels, placed by `S`, along a side.
#[diagnostic::on_unimplemented(
    message = "`{S}` does not say how filters are placed",
    label = "this stands where a convolution's placement does",
    note = "the last parameter of `Conv` is `Valid`, `Same`, `Stride<N>`, or `Stride<N, Same>`"
)]
pub trait Placed<const K: usize, S> {
    /// So many.
    type Map;
}

impl<const N: usize, const K: usize> Placed<K, Valid> for Size<N>
where
    Self: Covered<K>,
{
    type Map = <Self as Covered<K>>::Map;
}

impl<const N: usize, const K: usize> Placed<K, Same> for Size<N> {
    type Map = Self;
}

impl<const N: usize, const K: usize, const STRIDE: usize> Placed<K, Stride<STRIDE>> for Size<N>
where
    Self: Covered<K>,
    <Self as Covered<K>>::Map: Every<STRIDE>,
{
    type Map = <<Self as Covered<K>>::Map as Every<STRIDE>>::Positions;
}

impl<const N: usize, const K: usize, const STRIDE: usize> Placed<K, Stride<STRIDE, Same>> for Size<N>
where
    Self: Every<STRIDE>,
{
    type Map = <Self as Every<STRIDE>>::Positions;
}

/// The positions of a filter of `K` pixels that stays inside a side.
#[diagnostic::on_unimplemented(
    message = "a filter's side of {K} pixels does not fit into an image's side of `{Self}`",
    label = "this side is too small for the filter, or one of the two too large for the table",
    note = "filters take sides of 1 to 11 pixels, images of 1 to 256 (`core/src/shape.rs`); `Same` puts zeros around"
)]
pub trait Covered<const K: usize> {
    /// So many.
    type Map;
}

/// One less.
#[diagnostic::on_unimplemented(
    message = "the filter does not fit: of an image's side, only `{Self}` is left for it",
    label = "this side is too small for the filter, or too large for the table",
    note = "an image's side has 1 to 256 pixels (`core/src/shape.rs`); `Same` puts zeros around"
)]
pub trait Less {
    /// One less.
    type One;
}

impl<const N: usize> Covered<1> for Size<N> {
    type Map = Self;
}

macro_rules! filters {
    ($($side:literal after $before:literal),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<const N: usize> Covered<$side> for Size<N>
        where
            Self: Covered<$before>,
            <Self as Covered<$before>>::Map: Less,
        {
            type Map = <<Self as Covered<$before>>::Map as Less>::One;
        }
    )*};
}

filters!(2 after 1, 3 after 2, 4 after 3, 5 after 4, 6 after 5, 7 after 6, 8 after 7, 9 after 8, 10 after 9, 11 after 10);

/// Every `STRIDE`-th position of so many, from the first on.
#[diagnostic::on_unimplemented(
    message = "a stride of {STRIDE} has no table for `{Self}`",
    label = "this stride, or this side, is not in the table",
    note = "strides are 1 to 4, and an image's side has at most 256 pixels (`core/src/shape.rs`)"
)]
pub trait Every<const STRIDE: usize> {
    /// So many.
    type Positions;
}

impl<const N: usize> Every<1> for Size<N> {
    type Positions = Self;
}

/// What a pooling makes of a side of a map.
#[diagnostic::on_unimplemented(
    message = "`{P}` cannot take a map whose side is `{Self}`",
    label = "the filters leave an odd side to the pooling, or one too large for the table",
    note = "`MaxPool2` and `AvgPool2` take even sides up to 256, and leave a side of 1 as it is"
)]
pub trait Pooled<P> {
    /// The side that is left.
    type Out: Side;
}

impl<const N: usize> Pooled<NoPool> for Size<N> {
    type Out = Self;
}

#[diagnostic::do_not_recommend]
impl<const N: usize> Pooled<MaxPool2> for Size<N>
where
    Self: Half,
{
    type Out = <Self as Half>::Out;
}

#[diagnostic::do_not_recommend]
impl<const N: usize> Pooled<AvgPool2> for Size<N>
where
    Self: Half,
{
    type Out = <Self as Half>::Out;
}

/// Half of a side; of 1, the whole.
#[diagnostic::on_unimplemented(
    message = "a pooling cannot take a map whose side is `{Self}`",
    label = "the filters leave an odd side to the pooling, or one too large for the table",
    note = "`MaxPool2` and `AvgPool2` take even sides up to 256, and leave a side of 1 as it is"
)]
pub trait Half {
    /// The side that is left.
    type Out: Side;
}

impl Half for Size<1> {
    type Out = Self;
}

macro_rules! sides {
    ($($side:literal)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Less for Size<$side> {
            type One = Size<{ $side - 1 }>;
        }

        #[diagnostic::do_not_recommend]
        impl Every<2> for Size<$side> {
            type Positions = Size<{ usize::div_ceil($side, 2) }>;
        }

        #[diagnostic::do_not_recommend]
        impl Every<3> for Size<$side> {
            type Positions = Size<{ usize::div_ceil($side, 3) }>;
        }

        #[diagnostic::do_not_recommend]
        impl Every<4> for Size<$side> {
            type Positions = Size<{ usize::div_ceil($side, 4) }>;
        }
    )*};
}

macro_rules! even_sides {
    ($($side:literal)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Half for Size<$side> {
            type Out = Size<{ $side / 2 }>;
        }
    )*};
}

sides! {
    2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41
    42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78
    79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99 100 101 102 103 104 105 106 107 108 109 110 111
    112 113 114 115 116 117 118 119 120 121 122 123 124 125 126 127 128 129 130 131 132 133 134 135 136 137 138 139
    140 141 142 143 144 145 146 147 148 149 150 151 152 153 154 155 156 157 158 159 160 161 162 163 164 165 166 167
    168 169 170 171 172 173 174 175 176 177 178 179 180 181 182 183 184 185 186 187 188 189 190 191 192 193 194 195
    196 197 198 199 200 201 202 203 204 205 206 207 208 209 210 211 212 213 214 215 216 217 218 219 220 221 222 223
    224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251
    252 253 254 255 256
}

even_sides! {
    2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38 40 42 44 46 48 50 52 54 56 58 60 62 64 66 68 70 72 74 76 78
    80 82 84 86 88 90 92 94 96 98 100 102 104 106 108 110 112 114 116 118 120 122 124 126 128 130 132 134 136 138
    140 142 144 146 148 150 152 154 156 158 160 162 164 166 168 170 172 174 176 178 180 182 184 186 188 190 192 194
    196 198 200 202 204 206 208 210 212 214 216 218 220 222 224 226 228 230 232 234 236 238 240 242 244 246 248 250
    252 254 256
}

#[diagnostic::do_not_recommend]
impl Every<2> for Size<1> {
    type Positions = Self;
}

#[diagnostic::do_not_recommend]
impl Every<3> for Size<1> {
    type Positions = Self;
}

#[diagnostic::do_not_recommend]
impl Every<4> for Size<1> {
    type Positions = Self;
}

/// How many values images have that [`Flatten`](crate::layers::Flatten) takes. [`Table`] knows the square ones; for others,
/// write down the product in a type of your own:
///
/// ```
/// use minnet::prelude::*;
///
/// struct Signal;
/// impl Flat<[[[f32; 8]; 60]; 1]> for Signal {
///     type Vector = [f32; 60 * 8];
/// }
///
/// type Network = Net<[[[f32; 3]; 128]; 1], seq![
///     Conv<1, 9, 3, 8, MaxPool2, Relu>,
///     Flatten<Signal>,
///     Dense<480, 4, Softmax>,
/// ]>;
/// assert_eq!(Network::ARCHITECTURE.as_str(), "1x128x3: conv1x9 8 maxpool2 relu, flatten, dense 4 softmax");
/// ```
#[diagnostic::on_unimplemented(
    message = "`Flatten<{Self}>` has no size for `{Image}`",
    label = "this image is not in the table",
    note = "`Flatten` knows square images of at most 14 x 14 pixels and 64 channels; for others, give it a type of your own \
            that implements `Flat`, as `host nets` prints it"
)]
pub trait Flat<Image>: Send + Sync + 'static {
    /// `[f32; H * W * C]`.
    type Vector: Tensor;
}

/// The square images of at most 14 x 14 pixels and 64 channels.
#[derive(Clone, Copy, Debug)]
pub struct Table;

macro_rules! vectors {
    ($side:literal: $($channels:literal)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Flat<[[[f32; $channels]; $side]; $side]> for Table {
            type Vector = [f32; $side * $side * $channels];
        }
    )*};
}

macro_rules! squares {
    ($($side:literal)*) => {$(
        vectors! { $side:
            1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38
            39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
        }
    )*};
}

squares! { 1 2 3 4 5 6 7 8 9 10 11 12 13 14 }
