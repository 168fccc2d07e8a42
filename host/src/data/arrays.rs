//! Data sets made of arrays, one of samples and one of targets for each part: which array is which, by its name, and how
//! they become one set. Samples of all parts are read into one piece of memory; nothing is held twice.

use std::path::{Path, PathBuf};

use super::Options;
use super::array::{Element, Header};
use super::problem::Problem;
use super::set::{Data, Set, Values};
use super::source::Source;
use super::split::{self, Part, Rule};
use super::targets::{self, Found};
use crate::architecture::Shape;
use crate::error::Result;
use crate::memory::Budget;

/// Arrays that have names.
pub(super) trait Arrays {
    /// Opens one of them, up to its numbers.
    fn open(&mut self, name: &str) -> Result<(Source<'_>, Header)>;
}

/// The arrays of a directory, each a file of a format whose headers `header` reads.
pub(super) struct Files<'a> {
    pub(super) directory: &'a Path,
    pub(super) header: fn(&mut Source<'_>) -> Result<Header>,
}

impl Arrays for Files<'_> {
    fn open(&mut self, name: &str) -> Result<(Source<'_>, Header)> {
        let mut source = Source::open(&self.directory.join(name))?;
        let header = (self.header)(&mut source)?;
        Ok((source, header))
    }
}

/// Whether a name says that an array is of samples or of targets.
pub(super) fn is_known(name: &str, with_others: bool) -> bool {
    Role::of(stem(name), with_others).is_some()
}

/// What an array is, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Role {
    part: Option<Part>,
    is_target: bool,
    /// Of several arrays for the same, that with the least is taken.
    preference: usize,
}

/// The words for samples, and those for their targets; the better come first.
const SAMPLES: [&str; 7] = ["x", "images", "image", "data", "inputs", "features", "samples"];
const TARGETS: [&str; 5] = ["y", "labels", "label", "target", "targets"];

fn part(word: &str) -> Option<Part> {
    match word {
        "train" | "training" => Some(Part::Train),
        "val" | "valid" | "validation" | "dev" => Some(Part::Validation),
        "test" | "testing" | "t10k" => Some(Part::Test),
        _ => None,
    }
}

/// The part that a file or a folder is named after.
pub(super) fn part_of_name(name: &str) -> Option<Part> {
    part(&name.to_lowercase())
}

fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

impl Role {
    /// What a name says; nothing unless it says whether samples or targets are meant. Other words, such as those of
    /// `emnist-letters-train-images`, are allowed `with_others` only.
    fn of(name: &str, with_others: bool) -> Option<Self> {
        let mut role: Option<(bool, usize)> = None;
        let mut found = None;
        for word in words(name) {
            let place = |list: &[&str]| list.iter().position(|known| *known == word);
            let this = place(&SAMPLES).map(|at| (false, at)).or_else(|| place(&TARGETS).map(|at| (true, at)));
            match (this, part(&word)) {
                (Some(_), _) if role.is_some() => return None,
                (Some(this), _) => role = Some(this),
                (None, Some(_)) if found.is_some() => return None,
                (None, Some(part)) => found = Some(part),
                (None, None) if with_others => {}
                (None, None) => return None,
            }
        }
        role.map(|(is_target, preference)| Self { part: found, is_target, preference })
    }
}

/// The name that an array's partner would have.
pub(super) fn partner(name: &str) -> String {
    for (samples, targets) in [("images", "labels"), ("image", "label"), ("data", "target")] {
        if name.contains(samples) {
            return name.replace(samples, targets).replace("idx3", "idx1").replace("idx4", "idx1");
        }
        if name.contains(targets) {
            return name.replace(targets, samples).replace("idx1", "idx3");
        }
    }
    let other = |letter: char| match letter {
        'x' | 'X' => 'y',
        'y' | 'Y' => 'x',
        _ => letter,
    };
    let first = name.chars().next().map(other);
    first.into_iter().chain(name.chars().skip(1)).collect()
}

/// Bytes of memory that a sample takes besides its values and targets: its class or its number, its part, and its place.
pub(super) const FOR_EACH: u64 = 12;

/// The most columns of a vector, channels of an image, or targets of a sample: each has a name and a range.
pub(super) const MOST_COLUMNS: usize = 1 << 18;

/// The names of a part's two arrays.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    part: Option<Part>,
    samples: String,
    targets: String,
}

/// Finds the arrays that are samples and their targets; empty if there are none. In names of files, `with_others`, any
/// further words may stand.
pub(super) fn pairs(path: &Path, names: &[String], with_others: bool) -> Result<Vec<Pair>> {
    let known: Vec<(Role, &String)> =
        names.iter().filter_map(|name| Some((Role::of(stem(name), with_others)?, name))).collect();
    let mut pairs = Vec::new();
    for part in [Some(Part::Train), Some(Part::Validation), Some(Part::Test), None] {
        let [samples, targets] = [false, true].map(|is_target| {
            let mut of_it: Vec<_> =
                known.iter().filter(|(role, _)| role.part == part && role.is_target == is_target).collect();
            of_it.sort_by_key(|(role, _)| role.preference);
            of_it
        });
        for list in [&samples, &targets] {
            if let [(first, one), (second, other), ..] = list[..]
                && first.preference == second.preference
            {
                let what = match (part, first.is_target) {
                    (Some(part), false) => format!("{part} samples"),
                    (Some(part), true) => format!("{part} targets"),
                    (None, false) => "samples".into(),
                    (None, true) => "targets".into(),
                };
                return Err(Problem::Ambiguous { what, first: one.to_string(), second: other.to_string() }.of(path));
            }
        }
        match (samples.first(), targets.first()) {
            (Some((_, samples)), Some((_, targets))) => {
                pairs.push(Pair { part, samples: samples.to_string(), targets: targets.to_string() });
            }
            (Some((_, name)), None) | (None, Some((_, name))) => {
                return Err(Problem::Partner { missing: partner(name) }.at(path, name));
            }
            (None, None) => {}
        }
    }
    // Whoever has parts needs no whole beside them.
    if pairs.len() > 1 {
        pairs.retain(|pair| pair.part.is_some());
    }
    if pairs.len() > 1 && pairs[0].part != Some(Part::Train) {
        return Err(Problem::Partner { missing: "part to train on".into() }.of(path));
    }
    Ok(pairs)
}

/// A file's name without what only tells its format: `train-images` of `train-images.idx3-ubyte.gz`, also if that is in a
/// folder of its name.
pub(super) fn stem(name: &str) -> &str {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let name = name.strip_suffix(".npy").unwrap_or(name);
    let end = ["-idx", ".idx"].iter().filter_map(|start| name.find(start)).min().unwrap_or(name.len());
    &name[..end]
}

/// Reads the arrays of all parts and makes them one set.
pub(super) fn read(
    arrays: &mut dyn Arrays,
    pairs: &[Pair],
    format: &str,
    rule: Rule,
    options: &Options,
) -> Result<Data> {
    // All headers before any numbers, so that what does not fit together is told at once.
    let (mut headers, mut length) = (Vec::new(), 0);
    for pair in pairs {
        let (path, samples) = checked(arrays, &pair.samples, &mut length)?;
        let (targets_path, targets) = checked(arrays, &pair.targets, &mut length)?;
        if samples.samples() != targets.samples() {
            let (samples, targets) = (samples.samples(), targets.samples());
            return Err(Problem::Counts { samples, other: targets_path.display().to_string(), targets }.of(&path));
        }
        headers.push((path, samples, targets));
    }
    let Some((first_path, first, first_targets)) = headers.first() else {
        return Err(Problem::UnknownDirectory.of(Path::new(format)));
    };
    for (path, samples, targets) in &headers {
        for (found, expected) in [(samples, first), (targets, first_targets)] {
            if found.sample() != expected.sample() {
                let (found, expected) = (times(found.sample()), times(expected.sample()));
                let other = first_path.display().to_string();
                return Err(Problem::Shapes { found, other, expected }.of(path));
            }
        }
    }
    let shape = shape(first.sample()).map_err(|problem| problem.of(first_path))?;
    let per_sample = first_targets.sample().iter().product::<usize>();
    let (Shape::Vector(columns) | Shape::Image { channels: columns, .. }) = shape;
    if columns.max(per_sample) > MOST_COLUMNS {
        return Err(Problem::Columns { most: MOST_COLUMNS }.of(first_path));
    }
    let total = headers.iter().map(|(_, samples, _)| samples.samples()).sum::<usize>();
    let budget = &mut Budget::new(first_path, length);
    budget.take((total as u64).saturating_mul(FOR_EACH))?;
    let mut values = room(headers.iter().map(|(_, samples, _)| samples), total.saturating_mul(shape.values()), budget)?;
    let mut targets = room(headers.iter().map(|(.., targets)| targets), total.saturating_mul(per_sample), budget)?;
    for pair in pairs {
        for (name, values) in [(&pair.targets, &mut targets), (&pair.samples, &mut values)] {
            let (mut source, header) = arrays.open(name)?;
            header.read(&mut source, values)?;
            source.end()?;
        }
    }

    let found = targets::of_values(targets, per_sample, options.targets).map_err(|problem| problem.of(first_path))?;
    let count = |part| {
        let of_it = headers.iter().zip(pairs).filter(|(_, pair)| pair.part == Some(part));
        of_it.map(|((_, samples, _), _)| samples.samples()).sum()
    };
    let given = (pairs.len() > 1).then(|| [Part::Train, Part::Validation, Part::Test].map(count));
    let mut data = finish(first_path, shape, values, found, given, rule, options)?;
    data.found = format!("{format} of {}", first.element.name());
    Ok(data)
}

/// Opens an array and checks what it promises; its file's name and its header. Its length is added to `length`.
fn checked(arrays: &mut dyn Arrays, name: &str, length: &mut u64) -> Result<(PathBuf, Header)> {
    let (mut source, header) = arrays.open(name)?;
    source.promise(header.bytes())?;
    *length += source.length;
    if header.samples() == 0 || header.sample().contains(&0) {
        return Err(Problem::Empty.of(&source.path));
    }
    Ok((source.path, header))
}

/// Memory for `count` numbers of these arrays: bytes if all are.
fn room<'a>(mut headers: impl Iterator<Item = &'a Header>, count: usize, budget: &mut Budget) -> Result<Values> {
    if headers.all(|header| header.element == Element::U8) {
        Ok(Values::Bytes(budget.list(count)?))
    } else {
        Ok(Values::Floats(budget.list(count)?))
    }
}

/// Makes data of samples in order: `given` so many of each part, or without parts.
pub(super) fn finish(
    path: &Path,
    shape: Shape,
    values: Values,
    found: Found,
    given: Option<[usize; 3]>,
    rule: Rule,
    options: &Options,
) -> Result<Data> {
    let fail = |problem: Problem| problem.of(path);
    let mut set = Set::new(shape, values, found.targets).map_err(fail)?;
    if u32::try_from(set.len()).is_err() {
        return Err(fail(Problem::TooMany { samples: set.len() }));
    }
    let view = set.view();
    let mut parts = split::parts(set.len(), given, rule, |sample| split::hash(view.sample(sample)));
    set.shape_as(options).map_err(fail)?;
    let mut data = Data::of_parts(set, &mut parts, found.classes).map_err(fail)?;
    data.notes = found.notes;
    data.notes.extend(split::note(given, rule, "values"));
    Ok(data)
}

/// What a sample of such dimensions is.
fn shape(dimensions: &[usize]) -> std::result::Result<Shape, Problem> {
    match *dimensions {
        [] => Ok(Shape::Vector(1)),
        [values] => Ok(Shape::Vector(values)),
        [height, width] => Ok(Shape::Image { height, width, channels: 1 }),
        [height, width, channels] => Ok(Shape::Image { height, width, channels }),
        _ => Err(Problem::Dimensions { dimensions: times(dimensions) }),
    }
}

/// "28x28".
pub(super) fn times(dimensions: &[usize]) -> String {
    if dimensions.is_empty() {
        return "1".into();
    }
    dimensions.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], with_others: bool) -> Vec<(Option<Part>, String, String)> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let pairs = pairs(Path::new("there"), &names, with_others).unwrap();
        pairs.into_iter().map(|pair| (pair.part, pair.samples, pair.targets)).collect()
    }

    fn pair(part: Option<Part>, samples: &str, targets: &str) -> (Option<Part>, String, String) {
        (part, samples.into(), targets.into())
    }

    #[test]
    fn arrays_are_known_by_their_names() {
        let keras = found(&["x_test", "x_train", "y_train", "y_test"], false);
        assert_eq!(keras, [pair(Some(Part::Train), "x_train", "y_train"), pair(Some(Part::Test), "x_test", "y_test")]);
        assert_eq!(found(&["X", "y"], false), [pair(None, "X", "y")]);
        let digits = ["data", "target", "feature_names", "target_names", "images", "DESCR"];
        assert_eq!(found(&digits, false), [pair(None, "images", "target")]);
        let medical = ["train_images", "val_images", "test_images", "train_labels", "val_labels", "test_labels"];
        assert_eq!(found(&medical, false).len(), 3);
        assert_eq!(found(&["weights", "biases"], false), []);
        let idx = ["t10k-labels.idx1-ubyte", "t10k-images.idx3-ubyte.gz", "train-labels-idx1-ubyte"];
        let idx = [&idx[..], &["train-images-idx3-ubyte"]].concat();
        assert_eq!(found(&idx, true)[1], pair(Some(Part::Test), "t10k-images.idx3-ubyte.gz", "t10k-labels.idx1-ubyte"));
        let emnist = ["emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-train-labels-idx1-ubyte.gz"];
        assert_eq!(found(&emnist, true), [pair(Some(Part::Train), emnist[0], emnist[1])]);
        assert_eq!(found(&emnist, false), []);
    }

    #[test]
    fn what_is_missing_or_there_twice_is_named() {
        let error = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            pairs(Path::new("there"), &names, true).unwrap_err().to_string()
        };
        for (names, missing) in [
            (&["x_train"][..], "y_train"),
            (&["X_train", "y_train", "y_test"], "x_test"),
            (&["train-images.idx3-ubyte"], "train-labels.idx1-ubyte"),
            (&["t10k-labels-idx1-ubyte.gz"], "t10k-images-idx3-ubyte.gz"),
            (&["x_val", "y_val", "x_test", "y_test"], "part to train on"),
        ] {
            let message = error(names);
            assert!(message.contains(&format!("no {missing} beside")), "{message}");
        }
        let message = error(&["emnist-a-train-images-idx3-ubyte", "emnist-b-train-images-idx3-ubyte"]);
        assert!(message.contains("could both be the training samples"), "{message}");
    }
}
