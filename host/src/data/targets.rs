//! What is to be learned: whether numbers or texts are classes, which, and what they are called.

use std::collections::{BTreeSet, HashMap};

use super::problem::Problem;
use super::set::{Targets, Values};

/// What targets are to be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Classes.
    Classes,
    /// Numbers to be predicted: regression.
    Numbers,
}

/// The most classes there can be.
const MOST_CLASSES: usize = 1 << 16;

/// Whole numbers of so few different values are classes in any case.
const FEW: usize = 20;

/// Targets with the names of their classes, and what was noticed.
pub(super) struct Found {
    pub(super) targets: Targets,
    /// None if the targets are numbers.
    pub(super) classes: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Found {
    fn numbers(values: Values, per_sample: usize) -> Self {
        let targets = Targets::Numbers { values: values.into_floats(), per_sample };
        Self { targets, classes: Vec::new(), notes: Vec::new() }
    }
}

/// Finds out what numbers are, `per_sample` for each sample.
pub(super) fn of_values(values: Values, per_sample: usize, wanted: Option<Kind>) -> Result<Found, Problem> {
    if values.is_empty() || per_sample == 0 {
        return Err(Problem::Empty);
    }
    if wanted == Some(Kind::Numbers) {
        return Ok(Found::numbers(values, per_sample));
    }
    if per_sample > 1 {
        return match one_hot(&values, per_sample) {
            Some(labels) => {
                let classes = (0..per_sample).map(|class| class.to_string()).collect();
                let notes = vec!["each target is a row with a 1 for its class".to_owned()];
                Ok(Found { targets: Targets::Classes(labels), classes, notes })
            }
            None if wanted.is_none() => Ok(Found::numbers(values, per_sample)),
            None => Err(Problem::NotOneHot { count: per_sample }),
        };
    }
    let count = values.len();
    let distinct = match distinct(&values) {
        Ok(distinct) if wanted.is_some() || are_classes(&distinct, count) => distinct,
        Err(value) if wanted.is_some() => return Err(Problem::NotClass { value, most: MOST_CLASSES }),
        _ => return Ok(Found::numbers(values, 1)),
    };
    Ok(of_whole(&values, &distinct))
}

/// The class of each row if each has one 1 among zeros.
fn one_hot(values: &Values, per_sample: usize) -> Option<Vec<u16>> {
    let rows = values.len() / per_sample;
    let values = values.as_slice();
    let class = |row: usize| {
        let mut class = None;
        for index in 0..per_sample {
            let value = values.get(row * per_sample + index);
            if value == 1.0 && class.is_none() {
                class = Some(u16::try_from(index).ok()?);
            } else if value != 0.0 {
                return None;
            }
        }
        class
    };
    (0..rows).map(class).collect()
}

/// The different values, the least first, if all are whole and there are not too many; else one that stands against it.
fn distinct(values: &Values) -> Result<Vec<i32>, f32> {
    let mut distinct = BTreeSet::new();
    let mut last = None;
    for value in values.as_slice().floats() {
        if last == Some(value) {
            continue;
        }
        last = Some(value);
        // Beyond 2^24 not every whole number is a float.
        if value.fract() != 0.0 || value.abs() > 16_777_216.0 {
            return Err(value);
        }
        distinct.insert(value as i32);
        if distinct.len() > MOST_CLASSES {
            return Err(value);
        }
    }
    Ok(distinct.into_iter().collect())
}

/// Whether whole numbers look like classes: a few, or counted from 0 or 1 without many gaps, and each seen twice or more.
fn are_classes(distinct: &[i32], count: usize) -> bool {
    distinct.len() <= FEW || (is_counted(distinct) && 2 * distinct.len() <= count)
}

/// Whether the numbers count from 0 or 1, at most as many missing as are there.
fn is_counted(distinct: &[i32]) -> bool {
    match distinct {
        [first @ (0 | 1), .., last] => ((last - first) as usize) < 2 * distinct.len(),
        [0 | 1] => true,
        _ => false,
    }
}

/// Makes classes of whole numbers: as they are if they count from 0, one less if they count from 1, else by their order.
fn of_whole(values: &Values, distinct: &[i32]) -> Found {
    let mut notes = Vec::new();
    let (named, first) = match distinct {
        [first, .., last] if is_counted(distinct) => ((*first..=*last).collect(), *first),
        _ => (distinct.to_vec(), 0),
    };
    if first == 1 {
        notes.push("labels start at 1, and were counted from 0".to_owned());
    }
    let is_dense = named.iter().zip(named[0]..).all(|(&name, number)| name == number);
    let least = named[0];
    let class = |value: f32| {
        let value = value as i32;
        let class = if is_dense { (value - least) as usize } else { named.binary_search(&value).unwrap_or(0) };
        class as u16
    };
    let labels = values.as_slice().floats().map(class).collect();
    let classes = named.iter().map(i32::to_string).collect();
    Found { targets: Targets::Classes(labels), classes, notes }
}

/// Targets that are texts, as they come: names of classes, or numbers.
#[derive(Default)]
pub(super) struct Labels {
    /// The different texts, as long as they may be classes, the number of each, and that of each sample's.
    names: Vec<String>,
    numbers: HashMap<String, u16>,
    each: Vec<u16>,
    /// Each sample's number, as long as all are numbers.
    values: Vec<f32>,
    /// The first text that is no number.
    word: Option<String>,
    /// Whether there are more different texts than classes can be.
    are_many: bool,
    count: usize,
}

impl Labels {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Adds a sample's.
    ///
    /// # Errors
    ///
    /// [`Problem::TooManyClasses`]: no more different texts are kept than can be classes, unless all are numbers.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Problem> {
        self.count += 1;
        if self.word.is_none() {
            match number(text) {
                Some(value) => self.values.push(value),
                None => (self.word, self.values) = (Some(text.to_owned()), Vec::new()),
            }
        }
        if !self.are_many {
            match self.numbers.get(text) {
                Some(&number) => self.each.push(number),
                None if self.names.len() < MOST_CLASSES => {
                    let number = self.names.len() as u16;
                    self.names.push(text.to_owned());
                    self.numbers.insert(text.to_owned(), number);
                    self.each.push(number);
                }
                None => {
                    self.are_many = true;
                    (self.names, self.numbers, self.each) = Default::default();
                }
            }
        }
        if self.are_many && self.word.is_some() {
            return Err(Problem::TooManyClasses { most: MOST_CLASSES });
        }
        Ok(())
    }

    /// Finds out what they are.
    pub(super) fn found(self, wanted: Option<Kind>) -> Result<Found, Problem> {
        match self.word {
            None => of_values(Values::Floats(self.values), 1, wanted),
            Some(text) if wanted == Some(Kind::Numbers) => Err(Problem::NotNumber { text }),
            Some(_) => {
                let mut order: Vec<usize> = (0..self.names.len()).collect();
                order.sort_by_key(|&number| &self.names[number]);
                let mut class = vec![0; self.names.len()];
                order.iter().enumerate().for_each(|(place, &number)| class[number] = place as u16);
                let labels = self.each.iter().map(|&number| class[usize::from(number)]).collect();
                let classes = order.iter().map(|&number| self.names[number].clone()).collect();
                Ok(Found { targets: Targets::Classes(labels), classes, notes: Vec::new() })
            }
        }
    }
}

/// The number that a text is, if it is a finite one.
pub(super) fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(values: &[f32], wanted: Option<Kind>) -> (Vec<u16>, Vec<String>, usize) {
        let found = of_values(Values::Floats(values.to_vec()), 1, wanted).ok().unwrap();
        match found.targets {
            Targets::Classes(labels) => (labels, found.classes, found.notes.len()),
            Targets::Numbers { .. } => (Vec::new(), found.classes, 0),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn whole_numbers_are_classes_by_their_values() {
        assert_eq!(classes(&[0.0, 2.0, 1.0, 0.0], None), (vec![0, 2, 1, 0], names(&["0", "1", "2"]), 0));
        assert_eq!(classes(&[1.0, 3.0, 2.0], None), (vec![0, 2, 1], names(&["1", "2", "3"]), 1));
        assert_eq!(classes(&[-1.0, 1.0, 1.0], None), (vec![0, 1, 1], names(&["-1", "1"]), 0));
        assert_eq!(classes(&[7.0, 3.0, 7.0], None), (vec![1, 0, 1], names(&["3", "7"]), 0));
        // A class that no sample has keeps its number; ones that are far apart do not.
        assert_eq!(classes(&[0.0, 1.0, 3.0], None), (vec![0, 1, 3], names(&["0", "1", "2", "3"]), 0));
        assert_eq!(classes(&[0.0, 900.0], None), (vec![0, 1], names(&["0", "900"]), 0));
        assert_eq!(classes(&[1.0, 1.0], None), (vec![0, 0], names(&["1"]), 0));
    }

    #[test]
    fn other_numbers_are_predicted() {
        assert_eq!(classes(&[0.5, 1.0], None), (vec![], vec![], 0));
        let many: Vec<f32> = (0..300).map(|value| (25 + value * value % 271) as f32).collect();
        assert_eq!(classes(&many, None), (vec![], vec![], 0));
        assert_eq!(classes(&many, Some(Kind::Classes)).0.len(), 300);
        assert_eq!(classes(&[0.0, 1.0], Some(Kind::Numbers)), (vec![], vec![], 0));
        let half = of_values(Values::Floats(vec![0.0, 0.5]), 1, Some(Kind::Classes));
        assert!(matches!(half, Err(Problem::NotClass { value: 0.5, .. })));
        // 47 classes of ten samples each.
        let balanced: Vec<f32> = (0..470).map(|value| (value % 47) as f32).collect();
        assert_eq!(classes(&balanced, None).1.len(), 47);
    }

    #[test]
    fn rows_with_a_one_are_classes() {
        let found = of_values(Values::Bytes(vec![0, 0, 1, 1, 0, 0]), 3, None).ok().unwrap();
        assert_eq!(found.targets, Targets::Classes(vec![2, 0]));
        for rows in [vec![0, 0, 1, 1, 0, 1], vec![0, 0, 1, 0, 0, 0], vec![0, 0, 2, 1, 0, 0]] {
            let found = of_values(Values::Bytes(rows.clone()), 3, None).ok().unwrap();
            assert!(matches!(found.targets, Targets::Numbers { per_sample: 3, .. }));
            let error = of_values(Values::Bytes(rows), 3, Some(Kind::Classes));
            assert!(matches!(error, Err(Problem::NotOneHot { count: 3 })));
        }
    }

    #[test]
    fn texts_are_classes_by_name() {
        let found = |texts: &[&str], wanted| {
            let mut labels = Labels::default();
            texts.iter().try_for_each(|text| labels.push(text))?;
            assert_eq!(labels.len(), texts.len());
            labels.found(wanted)
        };
        let texts = ["rose", "iris", "rose", "10"];
        let classes = found(&texts, None).ok().unwrap();
        assert_eq!(
            (classes.targets, classes.classes),
            (Targets::Classes(vec![2, 1, 2, 0]), names(&["10", "iris", "rose"]))
        );
        let error = found(&texts, Some(Kind::Numbers));
        assert!(matches!(error, Err(Problem::NotNumber { text }) if text == "rose"));
        let numbers = found(&["-1", "2.5"], None).ok().unwrap();
        assert_eq!(numbers.targets, Targets::Numbers { values: vec![-1.0, 2.5], per_sample: 1 });
        // More different ones than there can be classes: numbers all the same, but no names.
        let many: Vec<String> = (0..=MOST_CLASSES).map(|number| number.to_string()).collect();
        let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(found(&many, None).ok().unwrap().targets.len(), many.len());
        let last = many.len() - 1;
        many[last] = "rose";
        assert!(matches!(found(&many, None), Err(Problem::TooManyClasses { .. })));
    }
}
