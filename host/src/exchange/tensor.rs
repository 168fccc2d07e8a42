//! Tensors with names, their values in 32 bits.

use super::ExchangeError;
use half::{bf16, f16};

/// A tensor from a file, all of its values finite.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// The types of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// Bytes of a number.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The numbers in these bytes, little-endian, rounded to 32 bits.
    fn numbers(self, bytes: &[u8]) -> Vec<f32> {
        fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
        }
        match self {
            Self::F16 => each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::Bf16 => each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }
}

impl Tensor {
    /// Of little-endian bytes, as many as the shape asks for.
    ///
    /// # Errors
    /// [`ExchangeError::NotFinite`].
    pub(super) fn of_bytes(name: &str, shape: &[usize], float: Float, bytes: &[u8]) -> Result<Self, ExchangeError> {
        Self::of_values(name, shape, float.numbers(bytes))
    }

    /// Of values, as many as the shape asks for.
    ///
    /// # Errors
    /// [`ExchangeError::NotFinite`].
    pub(super) fn of_values(name: &str, shape: &[usize], values: Vec<f32>) -> Result<Self, ExchangeError> {
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(Self { name: name.to_owned(), shape: shape.to_owned(), values }),
            Some(index) => Err(ExchangeError::NotFinite { tensor: name.to_owned(), index }),
        }
    }
}

/// The most dimensions of a tensor: of a convolution's weights, four.
const MOST_DIMENSIONS: usize = 8;

/// How many values a tensor of this shape has, if they are no more than `limit`.
///
/// # Errors
/// [`ExchangeError::TooLarge`], and [`ExchangeError::Dimensions`] for more than a network's have.
pub(super) fn count(name: &str, shape: &[usize], limit: usize) -> Result<usize, ExchangeError> {
    let tensor = || name.to_owned();
    if shape.len() > MOST_DIMENSIONS {
        return Err(ExchangeError::Dimensions { tensor: tensor(), found: shape.len(), most: MOST_DIMENSIONS });
    }
    let count = shape.iter().try_fold(1usize, |count, side| count.checked_mul(*side));
    let count = count.filter(|count| *count <= limit);
    count.ok_or_else(|| ExchangeError::TooLarge { tensor: tensor(), shape: shape.to_vec(), limit })
}

/// Counts what the tensors of a file hold together, so that a small file does not become a large one.
pub(super) struct Total {
    left: usize,
    limit: usize,
}

impl Total {
    /// For a network of so many parameters: batch normalizations have fewer than twice as many.
    pub(super) fn new(limit: usize) -> Self {
        Self { left: limit.saturating_mul(4), limit }
    }

    /// Adds a tensor of so many values.
    ///
    /// # Errors
    /// [`ExchangeError::TooMany`].
    pub(super) fn add(&mut self, count: usize) -> Result<(), ExchangeError> {
        let left = self.left.checked_sub(count.max(1));
        self.left = left.ok_or(ExchangeError::TooMany { limit: self.limit })?;
        Ok(())
    }
}
