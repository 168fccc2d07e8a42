//! Values between layers: nested arrays whose sizes the compiler knows.
//!
//! A vector of `N` values is `[f32; N]`; an image of `H` rows, `W` columns and `C` channels is
//! `[[[f32; C]; W]; H]` (channels last). No value here owns memory elsewhere, so any of them can lie in a `static`.

use crate::text::Text;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// A number that tensors are made of.
pub trait Element: Tensor<Self> {}

/// A nested array of `E`, or one `E`.
pub trait Tensor<E = f32>: Copy + Send + Sync + FromBytes + Immutable + KnownLayout + 'static {
    /// How many elements it holds.
    const LEN: usize;
    /// All zeros.
    const ZERO: Self;
    /// Its shape in words: `784`, `28x28x1`; empty for a single element.
    const SHAPE: Text;

    /// The elements of a run of tensors, in the order of memory.
    fn flatten(run: &[Self]) -> &[E];
    /// As [`flatten`](Self::flatten), to write.
    fn flatten_mut(run: &mut [Self]) -> &mut [E];
    /// As many whole tensors as `elements` holds.
    fn nest(elements: &[E]) -> &[Self];
    /// As [`nest`](Self::nest), to write.
    fn nest_mut(elements: &mut [E]) -> &mut [Self];

    /// This tensor's elements, in the order of memory.
    fn flat(&self) -> &[E] {
        Self::flatten(core::slice::from_ref(self))
    }

    /// As [`flat`](Self::flat), to write.
    fn flat_mut(&mut self) -> &mut [E] {
        Self::flatten_mut(core::slice::from_mut(self))
    }
}

macro_rules! element {
    ($($element:ty),*) => {$(
        impl Element for $element {}

        impl Tensor<$element> for $element {
            const LEN: usize = 1;
            const ZERO: Self = 0 as $element;
            const SHAPE: Text = Text::EMPTY;

            fn flatten(run: &[Self]) -> &[Self] { run }
            fn flatten_mut(run: &mut [Self]) -> &mut [Self] { run }
            fn nest(elements: &[Self]) -> &[Self] { elements }
            fn nest_mut(elements: &mut [Self]) -> &mut [Self] { elements }
        }
    )*};
}

element!(f32, i8, u8);

impl<E: Element, T: Tensor<E>, const N: usize> Tensor<E> for [T; N] {
    const LEN: usize = N * T::LEN;
    const ZERO: Self = [T::ZERO; N];
    const SHAPE: Text = {
        let shape = Text::EMPTY.then_number(N);
        if T::SHAPE.is_empty() { shape } else { shape.then("x").then(T::SHAPE.as_str()) }
    };

    fn flatten(run: &[Self]) -> &[E] {
        T::flatten(run.as_flattened())
    }

    fn flatten_mut(run: &mut [Self]) -> &mut [E] {
        T::flatten_mut(run.as_flattened_mut())
    }

    fn nest(elements: &[E]) -> &[Self] {
        if N == 0 { &[] } else { T::nest(elements).as_chunks().0 }
    }

    fn nest_mut(elements: &mut [E]) -> &mut [Self] {
        if N == 0 { &mut [] } else { T::nest_mut(elements).as_chunks_mut().0 }
    }
}

/// The index of the greatest value; the first of equals; 0 for none. A NaN is never the greatest.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    let mut greatest = f32::NEG_INFINITY;
    for (index, &value) in values.iter().enumerate() {
        if value > greatest {
            best = index;
            greatest = value;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    type Image = [[[f32; 3]; 2]; 4];

    #[test]
    fn knows_its_length_and_shape() {
        assert_eq!(<Image as Tensor>::LEN, 24);
        assert_eq!(<Image as Tensor>::SHAPE.as_str(), "4x2x3");
        assert_eq!(<[u8; 5] as Tensor<u8>>::SHAPE.as_str(), "5");
    }

    #[test]
    fn flat_and_nested_are_one_memory() {
        let mut image = <Image as Tensor>::ZERO;
        image[3][1][2] = 7.0;
        assert_eq!(image.flat()[23], 7.0);
        image.flat_mut()[3] = 5.0;
        assert_eq!(image[0][1][0], 5.0);
        let flat = [1.0; 49];
        assert_eq!(<Image as Tensor>::nest(&flat).len(), 2);
    }

    #[test]
    fn argmax_takes_the_first_of_equals_and_no_nan() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[f32::NAN, -1.0, f32::NAN]), 1);
        assert_eq!(argmax(&[]), 0);
    }
}
