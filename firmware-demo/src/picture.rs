//! Digits and numbers as text.

use core::fmt;
use device::training::PIXELS;

/// A digit in 14 lines of 28 characters: each stands for two pixels, one above the other.
pub struct Picture<'a>(pub &'a [u8; PIXELS]);

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for [upper, lower] in self.0.as_chunks::<28>().0.as_chunks().0 {
            f.write_str("  ")?;
            for (&upper, &lower) in upper.iter().zip(lower) {
                let ink = (u32::from(upper) + u32::from(lower)) / 2;
                let character = match ink {
                    0..32 => " ",
                    32..96 => ".",
                    96..176 => "o",
                    _ => "#",
                };
                f.write_str(character)?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

/// A number, not negative, with three decimals. Formatting an `f32` as such takes a kilobyte of stack.
pub struct Decimal(pub f32);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = (self.0 * 1000.0 + 0.5) as u32;
        write!(f, "{}.{:03}", thousandths / 1000, thousandths % 1000)
    }
}
