//! Which samples train, validate and test.
//!
//! A source that has no parts of its own is split by a hash of each sample (of the name of its file, or of its values), so
//! that a sample stays in its part whatever is added later, and two equal samples are in one part.

use std::fmt;

use zerocopy::IntoBytes;

use super::set::{Sample, Set};
use super::validation_images;

/// What samples are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// To learn from.
    Train,
    /// To choose by: settings, and the epoch whose weights are kept.
    Validation,
    /// To be judged by, once.
    Test,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// The hash of samples and of whole sets; the wide table is for speed.
pub(super) const CRC: crc::Crc<u64, crc::Table<16>> = crc::Crc::<u64, crc::Table<16>>::new(&crc::CRC_64_XZ);

/// The hash of a sample's values.
pub(super) fn hash(sample: Sample<'_>) -> u64 {
    match sample {
        Sample::Bytes(values) => CRC.checksum(values),
        Sample::Floats(values) => CRC.checksum(values.as_bytes()),
    }
}

/// From 0 to 99, by a hash. A CRC alone would be too regular: names that differ by a digit differ in few of its bits.
fn percentile(hash: u64) -> u64 {
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 32) * 100) >> 32
}

/// How samples to validate with are found where there are only such to train on and to test with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// By a hash of each sample.
    Hash,
    /// MNIST's: the last sixth of those to train on, at most 10,000.
    LastSixth,
}

/// The parts of samples of a source that has `given` so many to train on, to validate with and to test with, in this order
/// one after the other, or that has no parts. `hash` is that of a sample. Someone always trains.
pub(super) fn parts(samples: usize, given: Option<[usize; 3]>, rule: Rule, hash: impl Fn(usize) -> u64) -> Vec<Part> {
    let part = |sample: usize| match given {
        None => of_all(hash(sample)),
        Some([train, 0, _]) if sample < train => match rule {
            Rule::Hash => of_train(hash(sample)),
            Rule::LastSixth if sample < train - validation_images(train) => Part::Train,
            Rule::LastSixth => Part::Validation,
        },
        Some([train, ..]) if sample < train => Part::Train,
        Some([train, validation, _]) if sample < train + validation => Part::Validation,
        Some(_) => Part::Test,
    };
    let mut parts: Vec<Part> = (0..samples).map(part).collect();
    if !parts.contains(&Part::Train) {
        let count = given.map_or(samples, |[train, ..]| train);
        parts[..count].fill(Part::Train);
    }
    parts
}

/// What a user should know of how samples got their parts, by a hash of `what`.
pub(super) fn note(given: Option<[usize; 3]>, rule: Rule, what: &str) -> Option<String> {
    match (given, rule) {
        (None, _) => Some(format!(
            "there are no parts: by a hash of each sample's {what}, about 70 % train, 15 % validate and 15 % test"
        )),
        (Some([_, 0, _]), Rule::Hash) => {
            Some(format!("about 15 % of the training samples validate, chosen by a hash of each sample's {what}"))
        }
        (Some([train, 0, _]), Rule::LastSixth) => {
            Some(format!("the last {} of {train} training samples validate", validation_images(train)))
        }
        (Some(_), _) => None,
    }
}

/// The part of a sample of a source without parts: about 70 % train, 15 % validate, and 15 % test.
fn of_all(hash: u64) -> Part {
    match percentile(hash) {
        0..70 => Part::Train,
        70..85 => Part::Validation,
        _ => Part::Test,
    }
}

/// The part of a sample of a source's training part, when the source has no samples to validate with: about 15 %
/// validate.
fn of_train(hash: u64) -> Part {
    if percentile(hash) < 15 { Part::Validation } else { Part::Train }
}

/// Puts the samples in the order of their parts, and within a part leaves them in the order they are in; no second copy
/// is made. Returns how many there are of each part.
pub(super) fn arrange(set: &mut Set, parts: &mut [Part]) -> [usize; 3] {
    let counts = [Part::Train, Part::Validation, Part::Test].map(|part| parts.iter().filter(|&&p| p == part).count());
    if parts.is_sorted() {
        return counts;
    }
    // Where each sample goes; then along the cycles of this permutation.
    let mut next = [0, counts[0], counts[0] + counts[1]];
    let place = |part: &Part| {
        let next = &mut next[*part as usize];
        *next += 1;
        (*next - 1) as u32
    };
    let mut places: Vec<u32> = parts.iter().map(place).collect();
    for index in 0..places.len() {
        while places[index] as usize != index {
            let target = places[index] as usize;
            set.swap(index, target);
            parts.swap(index, target);
            places.swap(index, target);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::set::{Targets, Values};
    use super::*;
    use crate::architecture::Shape;

    fn shares(parts: &[Part]) -> [usize; 3] {
        [Part::Train, Part::Validation, Part::Test].map(|part| parts.iter().filter(|&&p| p == part).count())
    }

    #[test]
    fn hashes_give_the_promised_shares() {
        let hash = |index: usize| CRC.checksum(format!("image-{index:05}.png").as_bytes());
        let [train, validation, test] = shares(&parts(10_000, None, Rule::Hash, hash));
        assert!((6_900..7_100).contains(&train), "{train}");
        assert!((1_400..1_600).contains(&validation), "{validation}");
        assert!((1_400..1_600).contains(&test), "{test}");
        let [train, validation, test] = shares(&parts(10_000, Some([8_000, 0, 2_000]), Rule::Hash, hash));
        assert!((1_100..1_300).contains(&validation), "{validation}");
        assert_eq!((train + validation, test), (8_000, 2_000));
        assert_eq!(shares(&parts(9, Some([4, 3, 2]), Rule::Hash, hash)), [4, 3, 2]);
    }

    #[test]
    fn of_mnist_the_last_sixth_validates() {
        for (train, validating) in [(60_000, 10_000), (90_000, 10_000), (13, 2), (5, 0)] {
            let parts = parts(train + 4, Some([train, 0, 4]), Rule::LastSixth, |_| 0);
            assert!(parts.is_sorted());
            assert_eq!(shares(&parts), [train - validating, validating, 4]);
        }
    }

    #[test]
    fn a_sample_stays_in_its_part() {
        let hash = |index: usize| CRC.checksum(&(index as u64).to_le_bytes());
        let few = parts(500, None, Rule::Hash, hash);
        assert_eq!(parts(1_000, None, Rule::Hash, hash)[..500], few);
        assert_eq!(
            parts(500, None, Rule::Hash, |index| hash(499 - index)),
            few.iter().rev().copied().collect::<Vec<_>>()
        );
    }

    #[test]
    fn one_sample_trains() {
        for seed in 0..20_u8 {
            assert_eq!(parts(1, None, Rule::Hash, |_| CRC.checksum(&[seed])), [Part::Train]);
            assert_eq!(parts(2, Some([1, 0, 1]), Rule::Hash, |_| CRC.checksum(&[seed])), [Part::Train, Part::Test]);
        }
    }

    #[test]
    fn samples_are_put_in_the_order_of_their_parts() {
        use Part::{Test, Train, Validation};
        let values: Vec<u8> = (0..7).flat_map(|index| [index, 10 * index]).collect();
        let targets = Targets::Numbers { values: (0..7).map(|index| index as f32).collect(), per_sample: 1 };
        let mut set = Set::new(Shape::Vector(2), Values::Bytes(values), targets).unwrap();
        let mut parts = [Test, Train, Validation, Train, Test, Validation, Train];
        assert_eq!(arrange(&mut set, &mut parts), [3, 2, 2]);
        assert_eq!(*set.values(), Values::Bytes(vec![1, 10, 3, 30, 6, 60, 2, 20, 5, 50, 0, 0, 4, 40]));
        let order = vec![1.0, 3.0, 6.0, 2.0, 5.0, 0.0, 4.0];
        assert_eq!(*set.targets(), Targets::Numbers { values: order, per_sample: 1 });
        assert!(parts.is_sorted());
    }
}
