//! NumPy's `.npz`: a zip archive of arrays. Written with the arrays of Keras's `Model.get_weights`, under the names that
//! `numpy.savez` gives to arrays without names.

use super::layout::{Layout, weighted};
use super::tensor::{Float, Tensor, Total, count};
use super::{ExchangeError, torch};
use crate::network::Network;
use std::io::{Cursor, Read, Write};
use zerocopy::IntoBytes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

type Result<T> = std::result::Result<T, ExchangeError>;

/// What an array begins with.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The most bytes of an array's header: NumPy itself reads no more than 10,000.
const HEADER: usize = 1 << 16;

/// The arrays of floats in a file, in its order, for a network of `limit` parameters. Those of integers are left out.
pub(super) fn read(bytes: &[u8], limit: usize) -> Result<Vec<Tensor>> {
    let damaged = |cause| ExchangeError::Damaged { what: format!("the zip archive: {cause}") };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let (mut tensors, mut total, mut has_arrays, mut other) = (Vec::new(), Total::new(limit), false, None);
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(damaged)?;
        let name = file.name().map_err(damaged)?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
            other = Some(name.into_owned());
            continue;
        };
        has_arrays = true;
        tensors.extend(array(&name, &mut file, limit, &mut total)?);
    }
    let found = other.unwrap_or_else(|| "it is empty".into());
    if has_arrays { Ok(tensors) } else { Err(ExchangeError::NoArrays { found }) }
}

/// Reads an array; `None` if it holds integers.
fn array(name: &str, file: &mut impl Read, limit: usize, total: &mut Total) -> Result<Option<Tensor>> {
    let header = header(name, file)?;
    let Some(header) = Header::parse(&header) else {
        return Err(ExchangeError::Damaged { what: format!("array `{name}`: its header is none that NumPy writes") });
    };
    let float = match header.kind.as_str() {
        "<f2" => Float::F16,
        "<f4" => Float::F32,
        "<f8" => Float::F64,
        kind if kind.starts_with("|O") => return Err(ExchangeError::Pickled { tensor: name.to_owned() }),
        kind if kind.get(1..2).is_some_and(|letter| "iub".contains(letter)) => return Ok(None),
        kind => return Err(ExchangeError::Type { tensor: name.to_owned(), found: kind.to_owned() }),
    };
    let count = count(name, &header.shape, limit)?;
    total.add(count)?;
    let size = count * float.size();
    let mut bytes = Vec::new();
    // One byte more, which must not be there, so that the end is met and the archive's checksum compared.
    file.take(size as u64 + 1).read_to_end(&mut bytes).map_err(|cause| broken(name, &cause))?;
    if bytes.len() != size {
        let relation = if bytes.len() < size { "fewer" } else { "more" };
        let what = format!("array `{name}`: has {relation} than the {size} bytes that its shape asks for");
        return Err(ExchangeError::Damaged { what });
    }
    let mut tensor = Tensor::of_bytes(name, &header.shape, float, &bytes)?;
    if header.is_fortran {
        tensor.values = by_rows(&header.shape, &tensor.values);
    }
    Ok(Some(tensor))
}

fn broken(name: &str, cause: &std::io::Error) -> ExchangeError {
    ExchangeError::Damaged { what: format!("array `{name}`: {cause}") }
}

/// The header's text.
fn header(name: &str, file: &mut impl Read) -> Result<String> {
    let mut start = [0; 8];
    file.read_exact(&mut start).map_err(|cause| broken(name, &cause))?;
    let [.., major, _] = start;
    let damaged = |what: &str| ExchangeError::Damaged { what: format!("array `{name}`: {what}") };
    if !start.starts_with(MAGIC) || !(1..=3).contains(&major) {
        return Err(damaged("does not begin as NumPy's arrays do"));
    }
    let mut length = [0; 4];
    let taken = if major == 1 { 2 } else { 4 };
    file.read_exact(&mut length[..taken]).map_err(|cause| broken(name, &cause))?;
    let length = u32::from_le_bytes(length) as usize;
    if length > HEADER {
        return Err(damaged("its header is longer than any array needs"));
    }
    let mut header = vec![0; length];
    file.read_exact(&mut header).map_err(|cause| broken(name, &cause))?;
    String::from_utf8(header).map_err(|_| damaged("its header is no text"))
}

/// An array's header.
#[derive(Debug, PartialEq)]
struct Header {
    /// The type of its values, such as `<f4`.
    kind: String,
    /// Whether the first dimension's index changes fastest.
    is_fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads a dictionary of Python with three entries:
    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (784, 30), }`.
    fn parse(text: &str) -> Option<Self> {
        let entries = text.trim().strip_prefix('{')?.strip_suffix('}')?;
        let value = |key: &str| {
            let (_, rest) = entries.split_once(&format!("'{key}'"))?;
            Some(rest.trim_start().strip_prefix(':')?.trim_start())
        };
        let kind = value("descr")?.strip_prefix('\'')?;
        let order = value("fortran_order")?;
        let (shape, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
        let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
        Some(Self {
            kind: kind.split_once('\'')?.0.to_owned(),
            is_fortran: if order.starts_with("True") { true } else { order.starts_with("False").then_some(false)? },
            shape: sides.map(|side| side.parse().ok()).collect::<Option<_>>()?,
        })
    }

    fn text(&self) -> String {
        let sides: String = self.shape.iter().map(|side| format!("{side}, ")).collect();
        let order = if self.is_fortran { "True" } else { "False" };
        format!("{{'descr': '{}', 'fortran_order': {order}, 'shape': ({}), }}", self.kind, sides.trim_end())
    }
}

/// Values whose first index changes fastest, so that the last one's does.
fn by_rows(shape: &[usize], values: &[f32]) -> Vec<f32> {
    let place = |index: usize| {
        let (mut rest, mut place, mut step) = (index, 0, values.len());
        // From the last dimension to the first.
        for side in shape.iter().rev() {
            step /= side;
            place += rest % side * step;
            rest /= side;
        }
        place
    };
    (0..values.len()).map(|index| values[place(index)]).collect()
}

/// A network as a file.
pub(super) fn bytes(network: &Network) -> Result<Vec<u8>> {
    let layers = weighted(network.architecture())?;
    let mut arrays = Vec::new();
    for (layer, torch::Weights { weights, biases, .. }) in layers.iter().zip(torch::weights(network, &layers)?) {
        arrays.push((layer.shape(Layout::Keras), weights));
        arrays.push((vec![layer.op.biases()], biases));
    }
    archive(&arrays)
        .map_err(|cause| ExchangeError::Damaged { what: format!("the arrays do not go into a file: {cause}") })
}

pub(super) fn archive(arrays: &[(Vec<usize>, Vec<f32>)]) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (index, (shape, values)) in arrays.iter().enumerate() {
        archive.start_file(format!("arr_{index}.npy"), options)?;
        let header = Header { kind: "<f4".into(), is_fortran: false, shape: shape.clone() }.text();
        // What comes before the values takes a multiple of 64 bytes.
        let before = MAGIC.len() + 4;
        let padded = (before + header.len() + 1).next_multiple_of(64) - before;
        let length = u16::try_from(padded).unwrap_or(u16::MAX);
        archive.write_all(MAGIC)?;
        archive.write_all(&[1, 0])?;
        archive.write_all(&length.to_le_bytes())?;
        archive.write_all(format!("{header:width$}\n", width = padded - 1).as_bytes())?;
        archive.write_all(values.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_numpy_writes_them() {
        let header = |kind: &str, is_fortran, shape: &[usize]| Header {
            kind: kind.to_owned(),
            is_fortran,
            shape: shape.to_owned(),
        };
        for (text, parsed) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n", Some(header("<f4", false, &[3, 4]))),
            ("{'descr': '<f8', 'fortran_order': True, 'shape': (3,), }", Some(header("<f8", true, &[3]))),
            ("{'descr': '<i8', 'fortran_order': False, 'shape': (), }", Some(header("<i8", false, &[]))),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", None),
            ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,), }", None),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", None),
            ("{'descr': '<f4', 'fortran_order': False}", None),
            ("", None),
        ] {
            assert_eq!(Header::parse(text), parsed, "{text}");
            if let Some(header) = parsed {
                assert_eq!(Header::parse(&header.text()), Some(header));
            }
        }
    }

    #[test]
    fn columns_become_rows() {
        // Of [[0, 1, 2], [3, 4, 5]].
        assert_eq!(by_rows(&[2, 3], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(by_rows(&[0, 3], &[]), [0.0; 0]);
    }
}
