//! Pictures of digits from anywhere, a scan or a photograph or a drawing, made into images as MNIST's: the paper and what
//! is printed on it taken away, the ink scaled to a box of 20 x 20 and centred by its mass in 28 x 28.

mod decode;
mod gray;
mod ink;
mod lines;
mod mask;
mod reading;
mod show;

use std::path::{Path, PathBuf};

use crate::data::Image;
use crate::error::{Error, Result};
use crate::file::{self, beginning};
use crate::pixels::Unreadable;
use decode::decode;
use gray::Colours;
use reading::{Steps, already_prepared};

pub use gray::Rect;
pub use reading::Digit;
pub use show::{Shown, show};

/// The model that reads digits where none is named: `models/digits-int8.minnet`.
pub const MODEL: &[u8] = include_bytes!("picture/digits-int8.minnet");

/// A score below this is no answer. Chosen on pictures drawn with MNIST's training digits.
pub const SURE: f32 = 0.8;

/// Larger pictures are scaled down to at most this side: strokes stay sharp enough for a box of 20, and the noise of the
/// paper averages out.
const SIDE_OF_ONE: usize = 1000;

/// The same where many digits are looked for.
const SIDE_OF_MANY: usize = 2000;

/// What was read in a picture.
pub struct Reading {
    path: PathBuf,
    /// The digits in reading order.
    pub digits: Vec<Digit>,
    colours: Colours,
    steps: Option<Steps>,
}

impl Reading {
    /// The only digit, as an image, and whether the picture was one as MNIST's.
    ///
    /// # Errors
    ///
    /// [`Error::NoInk`] and [`Error::SeveralDigits`].
    pub fn only(&self) -> Result<&Digit> {
        match &self.digits[..] {
            [digit] => Ok(digit),
            [] => Err(Error::NoInk { path: self.path.clone() }),
            several => Err(Error::SeveralDigits { path: self.path.clone(), count: several.len() }),
        }
    }

    /// Whether the picture is an image as MNIST's, which is taken as it is.
    pub fn is_prepared(&self) -> bool {
        self.steps.is_none()
    }
}

/// Reads a PNG or JPEG picture of one digit, of any size and colour, dark on light or light on dark, and prepares it as
/// MNIST's images are prepared. A picture of 28 x 28 which already is so comes out as it is, or inverted.
///
/// # Errors
///
/// Those of [`read`] and [`Reading::only`].
pub fn load(path: &Path) -> Result<Image> {
    read(path, false)?.only().map(|digit| digit.image)
}

/// Reads the digits of a PNG or JPEG picture: `many` on a page, or what should be one.
///
/// # Errors
///
/// [`Error::Read`], [`Error::NotPicture`], [`Error::PictureCorrupt`], [`Error::PictureTooLarge`] beyond 64 million
/// pixels, and [`Error::Limit`] for one that must be in memory as a whole and takes far more than its file.
pub fn read(path: &Path, many: bool) -> Result<Reading> {
    let bytes = file::read(path)?;
    read_bytes(path, &bytes, many)
}

/// Reads the digits of a PNG or JPEG picture that is in memory; `path` is its name in errors.
///
/// # Errors
///
/// Those of [`read`], but the first.
pub fn read_bytes(path: &Path, bytes: &[u8], many: bool) -> Result<Reading> {
    let path = path.to_path_buf();
    match decode(&path, bytes, if many { SIDE_OF_MANY } else { SIDE_OF_ONE }) {
        Ok(colours) => Ok(Reading::of(path, colours, many)),
        Err(Unreadable::NoPicture) => Err(Error::NotPicture { path, found: beginning(bytes) }),
        Err(Unreadable::Damaged(cause)) => Err(Error::PictureCorrupt { path, cause }),
        Err(Unreadable::TooLarge { width, height, limit }) => {
            Err(Error::PictureTooLarge { path, width, height, limit })
        }
        Err(Unreadable::Memory(error)) => Err(error),
    }
}

impl Reading {
    fn of(path: PathBuf, colours: Colours, many: bool) -> Self {
        if let Some(image) = already_prepared(&colours) {
            let area = Rect { left: 0, top: 0, right: colours.width, bottom: colours.height };
            return Self { path, digits: vec![Digit { image, area, line: 0 }], colours, steps: None };
        }
        let (steps, mut digits) = Steps::of(&colours, many);
        for Digit { area, .. } in &mut digits {
            *area = area.times(colours.factor);
        }
        Self { path, digits, colours, steps: Some(steps) }
    }
}

#[cfg(test)]
mod tests;
