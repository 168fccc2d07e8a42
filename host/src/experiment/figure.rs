//! The numbers of an experiment's table: what the book prints, what its rerun printed, and what came of our runs.

use super::store::Results;

/// A number of the table.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is.
    pub label: String,
    /// What the book prints; `None` where it shows a plot, or nothing.
    pub book: Option<f64>,
    /// What the rerun of its programs printed; `None` as above.
    pub rerun: Option<f64>,
    /// What it is counted in.
    pub unit: Unit,
    /// The part whose result it is.
    pub part: String,
    /// The result's name.
    pub curve: &'static str,
    /// Which of the result's numbers.
    pub pick: Pick,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, from 0 to 100.
    Percent,
    /// A plain number, shown with four digits.
    Number,
    /// A count; its mean has one decimal.
    Count,
}

/// Which number of a curve a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// That of the first epoch.
    First,
    /// That of the last epoch.
    Last,
    /// The greatest.
    Greatest,
}

impl Pick {
    /// The number; `None` of an empty curve.
    pub fn of(self, curve: &[f64]) -> Option<f64> {
        match self {
            Self::First => curve.first().copied(),
            Self::Last => curve.last().copied(),
            Self::Greatest => curve.iter().copied().max_by(f64::total_cmp),
        }
    }
}

impl Unit {
    /// The number as the table shows it.
    pub fn show(self, number: f64) -> String {
        match self {
            Self::Percent => format!("{number:.2} %"),
            Self::Number if number != 0.0 && number.abs() < 0.1 => {
                let decimals = (3.0 - number.abs().log10().floor()).clamp(4.0, 12.0) as usize;
                format!("{number:.decimals$}")
            }
            Self::Number => format!("{number:.4}"),
            Self::Count if number.fract() == 0.0 => format!("{number}"),
            Self::Count => format!("{number:.1}"),
        }
    }
}

impl Figure {
    /// A share in percent, which the rerun printed, or did not.
    pub fn percent(label: &str, rerun: Option<f64>, part: &str, curve: &'static str, pick: Pick) -> Self {
        Self { label: label.into(), book: None, rerun, unit: Unit::Percent, part: part.into(), curve, pick }
    }

    /// The figure with what the book prints.
    pub fn in_book(self, book: impl Into<Option<f64>>) -> Self {
        Self { book: book.into(), ..self }
    }

    /// Its number for each seed; a single one if the seed plays no role.
    pub fn values(&self, results: &Results) -> Vec<f64> {
        results.curves(&self.part, self.curve).filter_map(|curve| self.pick.of(curve)).collect()
    }
}

/// A number's mean and spread over the seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The smallest.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// How many there are.
    pub count: usize,
}

impl Summary {
    /// The summary of these numbers; `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        let greatest = values.iter().copied().max_by(f64::total_cmp)?;
        Some(Self { mean: values.iter().sum::<f64>() / values.len() as f64, least, greatest, count: values.len() })
    }

    /// In the table: the mean, and of several the least and the greatest.
    pub fn show(&self, unit: Unit) -> String {
        let mean = unit.show(self.mean);
        if self.count == 1 {
            return mean;
        }
        let [least, greatest] = [self.least, self.greatest].map(|number| unit.show(number).replace(" %", ""));
        format!("{mean} ({least} to {greatest})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_and_summaries_by_hand() {
        let curve = [3.0, 5.0, 4.0];
        assert_eq!([Pick::First, Pick::Last, Pick::Greatest].map(|pick| pick.of(&curve).unwrap()), [3.0, 4.0, 5.0]);
        assert_eq!(Pick::Greatest.of(&[]), None);
        let summary = Summary::of(&[94.63, 95.17, 95.41]).unwrap();
        assert_eq!(summary.show(Unit::Percent), "95.07 % (94.63 to 95.41)");
        assert_eq!(Summary::of(&[22.25]).unwrap().show(Unit::Percent), "22.25 %");
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn numbers_have_four_digits() {
        for (number, text) in [(0.0, "0.0000"), (14.0, "14.0000"), (0.357_978, "0.3580"), (0.002_442_8, "0.002443")] {
            assert_eq!(Unit::Number.show(number), text);
        }
    }
}
