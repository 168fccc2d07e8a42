//! CIFAR-10's binary files: each picture is a byte for its class, then 1,024 bytes of red, of green and of blue.

use std::path::Path;

use super::Options;
use super::arrays;
use super::problem::Problem;
use super::set::{Data, Targets, Values};
use super::source::Source;
use super::split::Rule;
use super::targets::Found;
use crate::architecture::Shape;
use crate::error::{Error, Result};
use crate::memory::Budget;

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;
const CLASSES: usize = 10;

/// The names of the files to train on, and of the one to test with.
const TRAIN: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];
const TEST: &str = "test_batch.bin";
/// The names of the classes, one a line.
const NAMES: &str = "batches.meta.txt";

/// Whether files of these names are CIFAR-10's.
pub(super) fn is_cifar(files: &[String]) -> bool {
    files.iter().any(|name| name == TRAIN[0] || name == TEST)
}

/// Reads those of the files that a directory holds.
pub(super) fn read(directory: &Path, files: &[String], options: &Options) -> Result<Data> {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for name in TRAIN {
        if files.iter().any(|file| file == name) {
            read_batch(&directory.join(name), &mut values, &mut labels)?;
        }
    }
    let train = labels.len();
    if files.iter().any(|file| file == TEST) {
        read_batch(&directory.join(TEST), &mut values, &mut labels)?;
    }
    let given = (train > 0 && train < labels.len()).then(|| [train, 0, labels.len() - train]);
    let classes = match files.iter().any(|file| file == NAMES) {
        true => names(&directory.join(NAMES))?,
        false => (0..CLASSES).map(|class| class.to_string()).collect(),
    };
    let found = Found { targets: Targets::Classes(labels), classes, notes: Vec::new() };
    let shape = Shape::Image { height: SIDE, width: SIDE, channels: 3 };
    let mut data = arrays::finish(directory, shape, Values::Bytes(values), found, given, Rule::Hash, options)?;
    data.found = "CIFAR-10's binary files".into();
    Ok(data)
}

fn read_batch(path: &Path, values: &mut Vec<u8>, labels: &mut Vec<u16>) -> Result<()> {
    let mut source = Source::open(path)?;
    let mut budget = Budget::new(path, source.length);
    let mut planes = [0; 3 * PIXELS];
    let mut count = 0;
    while !source.peek()?.is_empty() {
        let mut label = [0];
        source.needed = (count + 1) * (1 + planes.len() as u64);
        source.fill(&mut label)?;
        if usize::from(label[0]) >= CLASSES {
            let problem = Problem::Label { label: label[0].into(), classes: CLASSES };
            return Err(problem.at(path, format_args!("byte {}", source.offset - 1)));
        }
        source.fill(&mut planes)?;
        budget.take(arrays::FOR_EACH)?;
        budget.grow(values, planes.len())?;
        labels.push(label[0].into());
        values.extend((0..PIXELS).flat_map(|pixel| [0, 1, 2].map(|channel| planes[channel * PIXELS + pixel])));
        count += 1;
    }
    if count == 0 { Err(Problem::Empty.of(path)) } else { source.end() }
}

fn names(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_path_buf(), cause })?;
    let mut names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    // Classes beyond the names keep their numbers.
    names.extend((names.len()..CLASSES).map(|class| class.to_string()));
    Ok(names)
}
