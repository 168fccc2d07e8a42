//! Signals: a folder for each class, a CSV file for each window of it. Rows are steps in time, columns are channels; a
//! column of time stamps is left out. A window of `T` steps and `C` channels is an image of `T` rows and one column.

use std::path::Path;

use super::Options;
use super::csv::Rows;
use super::folders::Tree;
use super::problem::Problem;
use super::set::{Data, Set, Targets, Values};
use super::source::Source;
use super::split::{self, Part, Rule};
use crate::architecture::Shape;
use crate::error::Result;

/// The steps of a column of time stamps differ by at most this share of their mean.
const JITTER: f32 = 0.1;

/// What all windows have in common with the first.
struct Form {
    steps: usize,
    /// Columns that are not left out.
    channels: usize,
    names: Option<Vec<String>>,
}

/// Reads all windows below a directory.
pub(super) fn read(directory: &Path, tree: Tree, options: &Options) -> Result<Data> {
    let mut values = Vec::new();
    let mut form: Option<Form> = None;
    // A first column without a name is time only if it looks so in every window.
    let (mut is_time, mut left_out) = (true, None);
    for file in &tree.files {
        let start = values.len();
        let mut source = Source::open(&file.path)?;
        let mut rows = Rows::new(&mut source, &file.path)?;
        let time = rows.names.as_ref().and_then(|names| names.iter().position(|name| names_time(name)));
        let channels: Vec<usize> = (0..rows.columns).filter(|&column| Some(column) != time).collect();
        let names: Option<Vec<String>> =
            rows.names.as_ref().map(|names| channels.iter().map(|&column| names[column].clone()).collect());
        left_out = left_out.or_else(|| Some(rows.names.as_ref()?[time?].clone()));
        let mut steps = 0;
        while rows.next_into(&mut values, channels.iter().copied())? {
            steps += 1;
        }
        if steps == 0 || channels.is_empty() {
            return Err(Problem::Empty.of(&file.path));
        }
        let form = form.get_or_insert_with(|| Form { steps, channels: channels.len(), names: names.clone() });
        if (steps, channels.len()) != (form.steps, form.channels) {
            let (other, expected) = (tree.files[0].path.display(), format!("{} by {}", form.steps, form.channels));
            let (other, channels) = (other.to_string(), channels.len());
            return Err(Problem::Window { found: steps, channels, other, expected }.of(&file.path));
        }
        if names != form.names {
            return Err(Problem::OtherColumns { other: tree.files[0].path.display().to_string() }.of(&file.path));
        }
        is_time &= time.is_none() && form.channels > 1 && is_clock(&values[start..], form.channels);
    }
    let Some(Form { steps, mut channels, mut names }) = form else {
        return Err(Problem::Empty.of(directory));
    };
    let mut notes = Vec::new();
    if is_time {
        let mut place = 0;
        values.retain(|_| {
            place += 1;
            (place - 1) % channels != 0
        });
        channels -= 1;
        let name = names.as_mut().map(|names: &mut Vec<String>| names.remove(0));
        left_out = Some(name.unwrap_or_else(|| "1".into()));
    }
    notes.extend(left_out.map(|name| format!("the column {name} is the time, and was left out")));
    notes.extend(split::note(tree.given, Rule::Hash, "file name"));

    let fail = |problem: Problem| problem.of(directory);
    let labels = tree.files.iter().map(|file| file.class).collect();
    let shape = Shape::Image { height: steps, width: 1, channels };
    let mut set = Set::new(shape, Values::Floats(values), Targets::Classes(labels)).map_err(fail)?;
    set.shape_as(options).map_err(fail)?;
    let (train, validation) = (tree.count(Part::Train), tree.count(Part::Validation));
    let mut data = Data::new(set, train, validation, tree.classes).map_err(fail)?;
    data.columns = names.unwrap_or_default();
    data.found = "a folder of CSV windows for each class".into();
    data.notes = notes;
    Ok(data)
}

/// Whether a column of this name holds the time.
pub(super) fn names_time(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "t" || name.starts_with("time") || name.ends_with("timestamp")
}

/// Whether the first column of a window rises by almost the same step from row to row.
pub(super) fn is_clock(window: &[f32], channels: usize) -> bool {
    let column = || window.iter().step_by(channels);
    let count = window.len() / channels;
    if count < 3 {
        return false;
    }
    let mean = (window[window.len() - channels] - window[0]) / (count - 1) as f32;
    mean > 0.0 && column().zip(column().skip(1)).all(|(now, next)| ((next - now) - mean).abs() <= JITTER * mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_known_by_its_name_or_its_steps() {
        for (name, is) in [("time", true), ("Timestamp_ms", true), ("t", true), ("temperature", false), ("x", false)] {
            assert_eq!(names_time(name), is, "{name}");
        }
        assert!(is_clock(&[0.0, 9.0, 10.0, 7.0, 20.5, 8.0], 2));
        assert!(!is_clock(&[0.0, 9.0, 10.0, 7.0, 30.0, 8.0], 2));
        assert!(!is_clock(&[3.0, 9.0, 2.0, 7.0, 1.0, 8.0], 2));
        assert!(!is_clock(&[1.0, 9.0, 1.0, 7.0, 1.0, 8.0], 2));
        assert!(!is_clock(&[1.0, 9.0, 2.0, 7.0], 2));
    }
}
