//! Samples whose classes are to be found: a picture, a window of a signal, or the rows of a table.

use std::path::Path;

use super::csv::Rows;
use super::picture::{self, Size};
use super::problem::Problem;
use super::set::Values;
use super::source::{Source, refuse_pipe};
use super::windows::{is_clock, names_time};
use crate::architecture::Shape;
use crate::error::Result;
use crate::pixels::is_picture;

/// Reads the samples of a file for a network that takes this shape; there is at least one. A picture is scaled to an image
/// of one or three channels. A CSV file is a window of a signal, a row for each step, or a table with a row for each
/// sample and a column for each value.
///
/// # Errors
///
/// [`Error::Data`](crate::error::Error::Data), and those of reading files.
pub fn open_unlabelled(path: &Path, shape: Shape) -> Result<Values> {
    refuse_pipe(path)?;
    let mut source = Source::open(path)?;
    let first = source.peek()?;
    if is_picture(first) {
        let size = match shape {
            Shape::Image { height, width, channels: channels @ (1 | 3) } => Size { width, height, channels },
            wanted => return Err(Problem::NoPicture { wanted }.of(path)),
        };
        return Ok(Values::Bytes(picture::load(path, size)?.0));
    }
    let mut rows = Rows::new(&mut source, path)?;
    let (values, width) = numbers(&mut rows, shape)?;
    match shape {
        Shape::Image { height, width: 1, channels } if (values.len(), width) == (height * channels, channels) => {
            Ok(Values::Floats(values))
        }
        shape if width == shape.values() && !values.is_empty() => Ok(Values::Floats(values)),
        _ => {
            let found = format!("{} rows of {width} values", values.len() / width.max(1));
            Err(Problem::Unlabelled { found, wanted: shape }.of(path))
        }
    }
}

/// The numbers of a table, row by row, and how many each row has. A column of time stamps is left out of a signal.
fn numbers(rows: &mut Rows<'_>, shape: Shape) -> Result<(Vec<f32>, usize)> {
    let named = rows.names.as_ref().and_then(|names| names.iter().position(|name| names_time(name)));
    let columns: Vec<usize> = (0..rows.columns).filter(|&column| Some(column) != named).collect();
    let mut values = Vec::new();
    while rows.next_into(&mut values, columns.iter().copied())? {}
    match shape {
        Shape::Image { width: 1, channels, .. }
            if columns.len() == channels + 1 && is_clock(&values, columns.len()) =>
        {
            let kept = values.chunks(columns.len()).flat_map(|row| row.iter().skip(1));
            Ok((kept.copied().collect(), channels))
        }
        _ => Ok((values, columns.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &str, shape: Shape) -> Result<Values> {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("window.csv");
        fs::write(&path, text).unwrap();
        open_unlabelled(&path, shape)
    }

    #[test]
    fn rows_are_samples_of_a_vector_and_steps_of_a_signal() {
        let signal = Shape::Image { height: 3, width: 1, channels: 2 };
        let six = Values::Floats(vec![1.0, -1.0, 2.0, -2.0, 3.0, -3.0]);
        for text in ["1,-1\n2,-2\n3,-3\n", "x,y\n1,-1\n2,-2\n3,-3\n", "time,x,y\n7,1,-1\n7,2,-2\n7,3,-3\n"] {
            assert_eq!(read(text, signal).unwrap(), six, "{text}");
        }
        assert_eq!(read("0.0,1,-1\n0.1,2,-2\n0.2,3,-3\n", signal).unwrap(), six);
        assert_eq!(read("1,-1\n2,-2\n3,-3\n", Shape::Vector(2)).unwrap(), six);
        let error = read("1,2\n3,4\n", signal).unwrap_err().to_string();
        assert!(error.contains("2 rows of 2 values") && error.contains("3x1x2"), "{error}");
        let error = read("a,b\n1,x\n", Shape::Vector(2)).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("column"), "{error}");
    }
}
