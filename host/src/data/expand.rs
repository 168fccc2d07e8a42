//! More images from the same: each one also displaced by a pixel, as the book's `expand_mnist.py` does.

use super::{Dataset, Image};
use crate::samples::Samples;

/// Pixels in a row, and rows.
const SIDE: usize = 28;

/// Every image followed by four copies, displaced by one pixel down, up, right and left; what enters is paper (0), and
/// what leaves is lost. Five times as many images, each copy with its image's label.
pub fn expanded(set: Samples<'_>) -> Dataset {
    let mut more = Dataset { images: Vec::with_capacity(5 * set.len()), labels: Vec::with_capacity(5 * set.len()) };
    for (image, label) in set.digits() {
        more.images.push(*image);
        for (down, right) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
            more.images.push(displaced(image, down, right));
        }
        more.labels.extend([label; 5]);
    }
    more
}

/// The image moved by so many rows down and columns to the right.
fn displaced(image: &Image, down: isize, right: isize) -> Image {
    let from = |place: usize, by: isize| place.checked_add_signed(-by).filter(|&place| place < SIDE);
    std::array::from_fn(|index| {
        let source = from(index / SIDE, down).zip(from(index % SIDE, right));
        source.map_or(0, |(row, column)| image[row * SIDE + column])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_comes_with_its_four_neighbours() {
        // One pixel of ink in the upper right corner, and one inside.
        let mut image = [0; 784];
        (image[27], image[10 * SIDE + 20]) = (9, 7);
        let set = expanded(super::super::digits(&[image, [1; 784]], &[3, 5]));
        assert_eq!(set.labels, [3, 3, 3, 3, 3, 5, 5, 5, 5, 5]);
        assert_eq!(set.images[0], image);
        let ink = |index: usize| -> Vec<(usize, usize, u8)> {
            let pixels = set.images[index].iter().enumerate().filter(|&(_, &pixel)| pixel > 0);
            pixels.map(|(place, &pixel)| (place / SIDE, place % SIDE, pixel)).collect()
        };
        assert_eq!(ink(1), [(1, 27, 9), (11, 20, 7)]);
        assert_eq!(ink(2), [(9, 20, 7)]);
        assert_eq!(ink(3), [(10, 21, 7)]);
        assert_eq!(ink(4), [(0, 26, 9), (10, 19, 7)]);
        // What enters is paper.
        assert_eq!((set.images[6][0], set.images[6][28], set.images[7][783]), (0, 1, 0));
    }
}
