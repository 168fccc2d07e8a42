//! Pictures of digits as people take and draw them: a generator of many conditions, each picture a file in memory.

mod conditions;
mod page;
mod reader;
mod sketch;

pub use conditions::{CONDITIONS, OTHERS};
pub use page::{Page, sudoku};
pub use reader::{Outcome, Reader};
pub use sketch::Sketch;

/// The colour of a place, from 0 to 255.
type Rgb = [f32; 3];

/// Which digits are drawn, and by which chances. What is tuned is tuned on the first; only the second is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// MNIST's training digits.
    Tuning,
    /// MNIST's test digits, and other chances.
    Test,
}

/// A picture as a file, and what it shows.
pub struct Picture {
    /// A PNG or JPEG file.
    pub bytes: Vec<u8>,
    /// The digit, unless it shows none or several.
    pub digit: Option<u16>,
}

/// A condition: its name, and what draws a picture of it.
pub type Condition = (&'static str, fn(&mut Sketch));

/// The `index`-th picture of a condition.
pub fn picture(condition: Condition, index: usize, part: Part) -> Picture {
    let mut sketch = Sketch::new(index, part, condition.0);
    condition.1(&mut sketch);
    Picture { bytes: sketch.file(), digit: sketch.digit }
}
