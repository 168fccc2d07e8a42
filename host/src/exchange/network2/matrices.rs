//! Lists of lists of lists, as JSON has matrices. A list of its own for each would take far more memory than its text.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::fmt;
use std::ops::Range;

/// Matrices, each of rows of any length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrices<T> {
    /// The values of all rows, one row after the other.
    values: Vec<T>,
    /// Where each row ends in these.
    rows: Vec<usize>,
    /// Where each matrix ends in those.
    matrices: Vec<usize>,
}

impl<T> Default for Matrices<T> {
    fn default() -> Self {
        Self { values: Vec::new(), rows: Vec::new(), matrices: Vec::new() }
    }
}

/// From each end to the next.
fn ranges(ends: &[usize], first: usize) -> impl ExactSizeIterator<Item = Range<usize>> + Clone {
    (0..ends.len()).map(move |place| (if place == 0 { first } else { ends[place - 1] })..ends[place])
}

impl<T> Matrices<T> {
    /// The rows of each matrix.
    pub(super) fn each(&self) -> impl ExactSizeIterator<Item = impl ExactSizeIterator<Item = &[T]> + Clone> {
        ranges(&self.matrices, 0).map(|rows| {
            let first = rows.start.checked_sub(1).map_or(0, |before| self.rows[before]);
            ranges(&self.rows[rows], first).map(|row| &self.values[row])
        })
    }

    /// Adds a matrix.
    pub(super) fn push(&mut self, rows: impl IntoIterator<Item = impl IntoIterator<Item = T>>) {
        for row in rows {
            self.values.extend(row);
            self.rows.push(self.values.len());
        }
        self.matrices.push(self.rows.len());
    }

    #[cfg(test)]
    pub(super) fn of(matrices: impl IntoIterator<Item = Vec<Vec<T>>>) -> Self {
        let mut all = Self::default();
        matrices.into_iter().for_each(|matrix| all.push(matrix));
        all
    }
}

impl<T: Serialize> Serialize for Matrices<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Rows<I>(I);
        impl<'a, T: Serialize + 'a, I: Iterator<Item = &'a [T]> + Clone> Serialize for Rows<I> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.clone())
            }
        }
        let mut list = serializer.serialize_seq(Some(self.matrices.len()))?;
        self.each().try_for_each(|rows| list.serialize_element(&Rows(rows)))?;
        list.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Matrices<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Self::default();
        Level { all: &mut all, depth: 2 }.deserialize(deserializer)?;
        Ok(all)
    }
}

/// A list that goes into all: of matrices (depth 2), of rows (1) or of values (0).
struct Level<'a, T> {
    all: &'a mut Matrices<T>,
    depth: u8,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Level<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Level<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(["a list of numbers", "a list of rows", "a list of matrices"][usize::from(self.depth)])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { all, depth } = self;
        if depth == 0 {
            while let Some(value) = items.next_element()? {
                all.values.push(value);
            }
            return Ok(());
        }
        while items.next_element_seed(Level { all, depth: depth - 1 })?.is_some() {
            match depth {
                1 => all.rows.push(all.values.len()),
                _ => all.matrices.push(all.rows.len()),
            }
        }
        Ok(())
    }
}

/// A number, or what Python writes where there is none: one of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Special(Option<u8>);

const NAMES: [&str; 4] = ["NaN", "-NaN", "Infinity", "-Infinity"];

impl Special {
    /// What Python writes; `None` for a number.
    pub(super) fn name(self) -> Option<&'static str> {
        self.0.map(|place| NAMES[usize::from(place)])
    }
}

impl<'de> Deserialize<'de> for Special {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Special;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Special, E> {
                Ok(Special(None))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Special, E> {
                Ok(Special(None))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Special, E> {
                Ok(Special(None))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Special, E> {
                let place = (0..).zip(NAMES).find(|(_, name)| *name == text);
                place.map(|(place, _)| Special(Some(place))).ok_or_else(|| E::custom("no number"))
            }
        }
        deserializer.deserialize_any(Number)
    }
}
