//! Images with their padding, and without it.

use crate::op::Conv;

/// Where each row of the image begins in the padded one.
#[inline(always)]
fn starts(op: Conv) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
    let (top, left) = op.before();
    (0..op.height).map(move |y| ((top + y) * op.padded_width() + left) * op.channels)
}

/// Moves the image, which lies where its padded form begins, to its place there, and puts zeros around it.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn in_place(op: Conv, image: &mut [f32]) {
    let row = op.width * op.channels;
    // From the last row on, none of which goes to a place before its own.
    let mut end = image.len();
    for (y, start) in starts(op).enumerate().rev() {
        if let Some(behind) = image.get_mut(..end).filter(|image| image.len() >= start + row) {
            behind.copy_within(y * row..(y + 1) * row, start);
            behind.get_mut(start + row..).unwrap_or_default().fill(0.0);
        }
        end = start;
    }
    image.get_mut(..end).unwrap_or_default().fill(0.0);
}

/// Writes the image and zeros around it.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn copy(op: Conv, image: &[f32], padded: &mut [f32]) {
    padded.fill(0.0);
    let row = op.width * op.channels;
    for (pixels, start) in image.chunks_exact(row.max(1)).zip(starts(op)) {
        if let Some(place) = padded.get_mut(start..start + row) {
            place.copy_from_slice(pixels);
        }
    }
}

/// Writes the image without what is around it.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn crop(op: Conv, padded: &[f32], image: &mut [f32]) {
    let row = op.width * op.channels;
    for (place, start) in image.chunks_exact_mut(row.max(1)).zip(starts(op)) {
        if let Some(pixels) = padded.get(start..start + row) {
            place.copy_from_slice(pixels);
        }
    }
}
