//! The book's `mnist_average_darkness.py`: a digit is guessed by how dark its image is.

use super::{Curves, Lab};
use crate::data::Image;
use crate::samples::Samples;

/// The share of test images guessed rightly, in percent.
pub const ACCURACY: &str = "accuracy";

pub(super) fn run(lab: &Lab<'_>) -> Curves {
    let means = means(lab.mnist.split().0);
    let test = lab.mnist.test.samples();
    let right = test.digits().filter(|&(image, label)| guess(&means, image) == Some(label)).count();
    lab.observer.line("Baseline classifier using average darkness of image.");
    lab.observer.line(&format!("{right} of {} values correct.", test.len()));
    Curves::from([(ACCURACY.into(), vec![100.0 * right as f64 / test.len().max(1) as f64])])
}

/// The sum of an image's pixels.
fn darkness(image: &Image) -> u64 {
    image.iter().map(|&pixel| u64::from(pixel)).sum()
}

/// The mean darkness of each digit, as a sum and a count; a digit without images has no mean.
fn means(set: Samples<'_>) -> [(u64, u64); 10] {
    let mut means = [(0, 0); 10];
    for (image, label) in set.digits() {
        if let Some((sum, count)) = means.get_mut(usize::from(label)) {
            *sum += darkness(image);
            *count += 1;
        }
    }
    means
}

/// The digit whose mean darkness is nearest; the smallest of equals. Whole numbers all through, so that no rounding
/// decides: |d - s/n| is compared as the fraction |d·n - s| / n.
fn guess(means: &[(u64, u64); 10], image: &Image) -> Option<u16> {
    let darkness = darkness(image);
    let distance = |&(sum, count): &(u64, u64)| ((darkness * count).abs_diff(sum), count);
    let known = (0..).zip(means).filter(|(_, (_, count))| *count > 0);
    let nearest = known.min_by(|(_, a), (_, b)| {
        let ((a, of_a), (b, of_b)) = (distance(a), distance(b));
        (u128::from(a) * u128::from(of_b)).cmp(&(u128::from(b) * u128::from(of_a)))
    });
    nearest.map(|(digit, _)| digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mean_wins_and_the_smallest_of_equals() {
        let image = |pixel: u8| {
            let mut image = [0; 784];
            image[5] = pixel;
            image
        };
        let images = [image(10), image(20), image(40), image(20)];
        let means = means(crate::data::digits(&images, &[1, 1, 3, 5]));
        assert_eq!(means[1], (30, 2));
        let guesses = [0, 15, 17, 18, 29, 30, 31, 255].map(|pixel| guess(&means, &image(pixel)).unwrap());
        assert_eq!(guesses, [1, 1, 1, 5, 5, 3, 3, 3]);
        assert_eq!(guess(&[(0, 0); 10], &image(1)), None);
    }
}
