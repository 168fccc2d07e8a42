//! Pictures: a folder for each class, PNG and JPEG files in it, scaled to the network's input.

use std::fs;
use std::path::Path;

use rayon::prelude::*;

use super::Options;
use super::folders::Tree;
use super::picture::{self, Size};
use super::problem::Problem;
use super::set::{Data, Set, Targets, Values};
use super::split::{self, Part, Rule};
use crate::architecture::Shape;
use crate::error::Result;
use crate::memory::Budget;

/// Pictures that are decoded at a time, so that few are in memory at their full size.
const AT_ONCE: usize = 64;

/// Reads all pictures below a directory.
pub(super) fn read(directory: &Path, tree: Tree, options: &Options) -> Result<Data> {
    // Pictures are scaled first, then transposed.
    let before = match options.shape {
        Some(Shape::Image { height, width, channels }) if options.transpose => {
            Some(Shape::Image { height: width, width: height, channels })
        }
        shape => shape,
    };
    let (size, shape) = wanted(&tree, before)?;
    let length = shape.values();
    // Pictures that say themselves how large they are have a budget.
    let own = tree.files.iter().map(|file| fs::metadata(&file.path).map_or(0, |file| file.len()));
    let bytes = if options.shape.is_some() { u64::MAX } else { own.sum() };
    let mut values = Budget::new(directory, bytes).list(tree.files.len().saturating_mul(length))?;
    let mut changed = 0;
    for files in tree.files.chunks(AT_ONCE) {
        let scaled = files.par_iter().map(|file| picture::load(&file.path, size));
        for (pixels, is_changed) in ordered(scaled.collect())? {
            values.extend_from_slice(&pixels);
            changed += usize::from(is_changed);
        }
    }

    let fail = |problem: Problem| problem.of(directory);
    let labels = tree.files.iter().map(|file| file.class).collect();
    let mut set = Set::new(shape, Values::Bytes(values), Targets::Classes(labels)).map_err(fail)?;
    set.shape_as(options).map_err(fail)?;
    let (train, validation) = (tree.count(Part::Train), tree.count(Part::Validation));
    let mut data = Data::new(set, train, validation, tree.classes).map_err(fail)?;
    data.found = "a folder of pictures for each class".into();
    if changed > 0 {
        data.notes.push(format!("{changed} of {} pictures were scaled or changed in colour", tree.files.len()));
    }
    data.notes.extend(split::note(tree.given, Rule::Hash, "file name"));
    Ok(data)
}

/// All results, or the first error.
fn ordered<T>(results: Vec<Result<T>>) -> Result<Vec<T>> {
    results.into_iter().collect()
}

/// What the pictures are to be made: what is wanted, or what they are if they are all alike; coloured if any is.
fn wanted(tree: &Tree, shape: Option<Shape>) -> Result<(Size, Shape)> {
    let path = &tree.files[0].path;
    if let Some(shape @ Shape::Image { height, width, channels }) = shape {
        if matches!(channels, 1 | 3) {
            return Ok((Size { width, height, channels }, shape));
        }
        let Size { width, height, channels } = picture::size(path)?;
        return Err(Problem::Wanted { found: Shape::Image { height, width, channels }, wanted: shape }.of(path));
    }
    let sizes = ordered(tree.files.par_iter().map(|file| picture::size(&file.path)).collect())?;
    let first = sizes[0];
    let other = sizes.iter().position(|size| (size.width, size.height) != (first.width, first.height));
    match (shape, other) {
        (Some(shape), _) => {
            let length = shape.values();
            let size = of_vector(length, first, other.is_none());
            size.map(|size| (size, shape)).ok_or_else(|| Problem::PictureVector { length }.of(path))
        }
        (None, Some(other)) => {
            let times = |size: Size| format!("{} x {} pixels", size.width, size.height);
            let (found, expected) = (times(sizes[other]), times(first));
            let first = path.display().to_string();
            Err(Problem::PictureSizes { found, other: first, expected }.of(&tree.files[other].path))
        }
        (None, None) => {
            let channels = sizes.iter().map(|size| size.channels).max().unwrap_or(1);
            let Size { width, height, .. } = first;
            Ok((Size { channels, ..first }, Shape::Image { height, width, channels }))
        }
    }
}

/// The size of pictures that make a vector: their own, in gray or in colour, or a square's.
fn of_vector(length: usize, first: Size, are_alike: bool) -> Option<Size> {
    let own = |channels: usize| {
        (are_alike && first.width * first.height * channels == length).then_some(Size { channels, ..first })
    };
    let square = |channels: usize| {
        let side = (length / channels).isqrt();
        (side * side * channels == length).then_some(Size { width: side, height: side, channels })
    };
    own(1).or_else(|| own(3)).or_else(|| square(1)).or_else(|| square(3)).filter(|size| size.width > 0)
}
