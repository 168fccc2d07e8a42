//! The operator of dropout.

use crate::text::Text;

/// In training, sets each value to 0 with a probability of `percent` in a hundred. In inference, multiplies each by the
/// probability that it would have stayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Values that it takes and gives.
    pub values: usize,
    /// How many in a hundred fall; at most 99.
    pub percent: u8,
}

impl Dropout {
    /// A random number below this drops a value.
    pub(crate) const fn threshold(self) -> u32 {
        ((self.percent as u64 * (1 << 32)) / 100) as u32
    }

    /// The probability that a value stays.
    pub const fn staying(self) -> f32 {
        (100 - self.percent) as f32 / 100.0
    }

    /// Values that training remembers of one image: the outputs, the gradient of the cost in them, and for each value 1
    /// if it stayed and 0 if it fell.
    pub const fn saved(self) -> usize {
        3 * self.values
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        Text::EMPTY.then("dropout ").then_number(self.percent as usize)
    }
}
