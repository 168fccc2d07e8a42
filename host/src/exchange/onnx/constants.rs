//! The values of a graph that do not depend on its input: initializers, `Constant` nodes, and what is made of them; and
//! the sizes that a `Reshape` gets from the shape of a value.

use super::Result;
use super::proto::{BFLOAT16, DOUBLE, EXTERNAL, FLOAT, FLOAT16, Graph, INT32, INT64, Node, TensorProto};
use crate::exchange::ExchangeError;
use crate::exchange::tensor::{Float, Tensor, count};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use zerocopy::IntoBytes;

/// The most values of a tensor: as many as a network can have.
const LIMIT: usize = 1 << 28;
/// So many values may be read more than once: constants that several nodes take.
const REPEATED: usize = 1 << 20;
/// How many nodes may be needed one after the other for a value; more are a cycle.
const DEPTH: usize = 32;
/// The most sizes that are put together.
const SIZES: usize = 64;

/// A value that is known.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    Floats(Tensor),
    /// Whole numbers, whatever their shape.
    Ints(Vec<i64>),
}

/// All that is known of a graph's values.
pub(super) struct Constants<'a> {
    /// The folder of the file, where others with tensors may be.
    folder: &'a Path,
    initializers: HashMap<&'a str, &'a TensorProto>,
    /// The node that makes a value.
    makers: HashMap<&'a str, &'a Node>,
    /// The sizes of the values on the way from the input, 0 being the images: that is what `Reshape` calls a size that
    /// stays.
    sizes: HashMap<String, Vec<i64>>,
    /// Values that may still be asked for. A graph of any use needs a few for each node; one that makes each value of two
    /// others would need them without end.
    patience: Cell<usize>,
    /// The tensors that were read, and how many values may still be read once more.
    seen: RefCell<HashSet<String>>,
    repeated: Cell<usize>,
    /// Bytes that were read of each other file.
    taken: RefCell<HashMap<PathBuf, u64>>,
}

impl<'a> Constants<'a> {
    pub(super) fn new(graph: &'a Graph, folder: &'a Path) -> Self {
        let outputs = |node: &'a Node| node.outputs.iter().map(move |output| (output.as_str(), node));
        Self {
            folder,
            initializers: graph.initializers.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
            makers: graph.nodes.iter().flat_map(outputs).collect(),
            sizes: HashMap::new(),
            patience: Cell::new(1000 + 100 * graph.nodes.len()),
            seen: RefCell::default(),
            repeated: Cell::new(REPEATED),
            taken: RefCell::default(),
        }
    }

    pub(super) fn is_initializer(&self, name: &str) -> bool {
        self.initializers.contains_key(name)
    }

    /// Tells it the sizes of a value on the way.
    pub(super) fn learn(&mut self, name: &str, sizes: Vec<i64>) {
        self.sizes.insert(name.to_owned(), sizes);
    }

    /// Whether a value is known without the input's values.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.is_known_within(name, DEPTH)
    }

    fn is_known_within(&self, name: &str, depth: usize) -> bool {
        if self.is_initializer(name) {
            return true;
        }
        let (Some(node), Some(depth)) = (self.makers.get(name), self.deeper(depth)) else { return false };
        match node.operator.as_str() {
            "Constant" | "Shape" => true,
            "Identity" | "Cast" | "Transpose" | "Reshape" | "Squeeze" | "Unsqueeze" | "Concat" | "Gather" => {
                node.inputs.iter().all(|input| input.is_empty() || self.is_known_within(input, depth))
            }
            _ => false,
        }
    }

    /// The depth that is left for the values that one is made of; `None` if nothing is.
    fn deeper(&self, depth: usize) -> Option<usize> {
        self.patience.set(self.patience.get().checked_sub(1)?);
        depth.checked_sub(1)
    }

    /// The floats of a value.
    ///
    /// # Errors
    /// [`ExchangeError::Graph`] if they are not known, or no floats; those of reading a tensor.
    pub(super) fn floats(&self, name: &str) -> Result<Tensor> {
        match self.value(name, DEPTH)? {
            Constant::Floats(tensor) => Ok(tensor),
            Constant::Ints(_) => Err(graph(format!("`{name}` holds whole numbers where weights should stand"))),
        }
    }

    /// The whole numbers of a value.
    ///
    /// # Errors
    /// As of [`floats`](Self::floats).
    pub(super) fn ints(&self, name: &str) -> Result<Vec<i64>> {
        match self.value(name, DEPTH)? {
            Constant::Ints(values) => Ok(values),
            Constant::Floats(_) => Err(graph(format!("`{name}` holds floats where sizes should stand"))),
        }
    }

    fn value(&self, name: &str, depth: usize) -> Result<Constant> {
        if let Some(tensor) = self.initializers.get(name) {
            return self.decode(name, tensor);
        }
        let unknown = || graph(format!("the value `{name}` is not known, and must be: it is no constant of the file"));
        let (Some(node), Some(depth)) = (self.makers.get(name), self.deeper(depth)) else { return Err(unknown()) };
        let input = |index: usize| node.inputs.get(index).map_or("", String::as_str);
        let value = |index: usize| self.value(input(index), depth);
        match node.operator.as_str() {
            "Constant" => self.constant(name, node).unwrap_or_else(|| Err(unknown())),
            "Shape" => self.sizes.get(input(0)).cloned().map(Constant::Ints).ok_or_else(unknown),
            "Identity" | "Cast" => value(0),
            "Transpose" => Ok(match value(0)? {
                Constant::Floats(tensor) => Constant::Floats(transpose(tensor, node.ints("perm")).ok_or_else(unknown)?),
                ints => ints,
            }),
            "Squeeze" | "Unsqueeze" | "Reshape" => match value(0)? {
                Constant::Ints(values) => Ok(Constant::Ints(values)),
                Constant::Floats(tensor) => self.reshape(node, tensor, depth).ok_or_else(unknown).map(Constant::Floats),
            },
            "Concat" => {
                let mut all = Vec::new();
                for index in 0..node.inputs.len() {
                    let Constant::Ints(values) = value(index)? else { return Err(unknown()) };
                    all.extend(values);
                    if all.len() > SIZES {
                        return Err(unknown());
                    }
                }
                Ok(Constant::Ints(all))
            }
            "Gather" => match (value(0)?, value(1)?) {
                (Constant::Ints(values), Constant::Ints(places)) => {
                    let at = |place: i64| {
                        let place = if place < 0 { place.checked_add_unsigned(values.len() as u64)? } else { place };
                        values.get(usize::try_from(place).ok()?).copied()
                    };
                    places.into_iter().map(at).collect::<Option<_>>().map(Constant::Ints).ok_or_else(unknown)
                }
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }

    /// The value of a `Constant` node.
    fn constant(&self, name: &str, node: &Node) -> Option<Result<Constant>> {
        if let Some(tensor) = node.tensor("value") {
            return Some(self.decode(name, tensor));
        }
        let floats = |shape: &[usize], values| Tensor::of_values(name, shape, values).map(Constant::Floats);
        if node.has("value_float") {
            return Some(floats(&[], vec![node.float("value_float", 0.0)]));
        }
        if let Some(values) = node.floats("value_floats") {
            return Some(floats(&[values.len()], values.to_vec()));
        }
        if node.has("value_int") {
            return Some(Ok(Constant::Ints(vec![node.int("value_int", 0)])));
        }
        node.ints("value_ints").map(|values| Ok(Constant::Ints(values.to_vec())))
    }

    /// A tensor with the shape that a node gives it.
    fn reshape(&self, node: &Node, mut tensor: Tensor, depth: usize) -> Option<Tensor> {
        let sizes = |name: &str| match (node.ints(name), node.inputs.get(1)) {
            (Some(sizes), _) => Some(sizes.to_vec()),
            (None, Some(input)) => match self.value(input, depth) {
                Ok(Constant::Ints(values)) => Some(values),
                _ => None,
            },
            (None, None) => None,
        };
        let rank = tensor.shape.len() as i64;
        let axis = |axis: i64, rank: i64| usize::try_from(if axis < 0 { axis + rank } else { axis }).ok();
        match node.operator.as_str() {
            "Squeeze" => {
                let axes: Option<Vec<usize>> = sizes("axes")
                    .map_or(Some(Vec::new()), |axes| axes.iter().map(|value| axis(*value, rank)).collect());
                let axes = axes?;
                let mut at = 0;
                tensor.shape.retain(|side| {
                    let goes = *side == 1 && (axes.is_empty() || axes.contains(&at));
                    at += 1;
                    !goes
                });
            }
            "Unsqueeze" => {
                let axes = sizes("axes")?;
                let rank = rank + axes.len() as i64;
                let mut axes: Vec<usize> = axes.iter().map(|value| axis(*value, rank)).collect::<Option<_>>()?;
                axes.sort_unstable();
                for axis in axes {
                    if axis > tensor.shape.len() {
                        return None;
                    }
                    tensor.shape.insert(axis, 1);
                }
            }
            _ => tensor.shape = resolve(&sizes("shape")?, &tensor.shape)?,
        }
        Some(tensor)
    }

    /// A tensor of the file.
    fn decode(&self, name: &str, tensor: &TensorProto) -> Result<Constant> {
        let sides: Option<Vec<usize>> = tensor.dims.iter().map(|side| usize::try_from(*side).ok()).collect();
        let shape = sides.ok_or_else(|| damaged(name, "has a negative size"))?;
        let count = count(name, &shape, LIMIT)?;
        let is_new = self.seen.borrow_mut().insert(name.to_owned());
        if !is_new {
            let left = self.repeated.get().checked_sub(count);
            let what = "is used by many nodes, and layers here do not share weights";
            self.repeated.set(left.ok_or_else(|| graph(format!("tensor `{name}` {what}")))?);
        }
        let float = match tensor.kind {
            FLOAT => Some(Float::F32),
            FLOAT16 => Some(Float::F16),
            BFLOAT16 => Some(Float::Bf16),
            DOUBLE => Some(Float::F64),
            INT32 | INT64 => None,
            kind => {
                let found = format!("type {kind} of ONNX");
                return Err(ExchangeError::Type { tensor: name.to_owned(), found });
            }
        };
        let size = float.map_or(if tensor.kind == INT32 { 4 } else { 8 }, Float::size);
        let bytes = if tensor.location == EXTERNAL {
            self.external(name, tensor, count * size, is_new)?
        } else if tensor.raw.is_empty() {
            typed(tensor)
        } else {
            tensor.raw.clone()
        };
        if bytes.len() != count * size {
            return Err(damaged(name, "has not as many values as its shape asks for"));
        }
        match float {
            Some(float) => Tensor::of_bytes(name, &shape, float, &bytes).map(Constant::Floats),
            None if size == 4 => {
                Ok(Constant::Ints(bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes).into()).collect()))
            }
            None => Ok(Constant::Ints(bytes.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())),
        }
    }

    /// So many bytes of another file in the same folder, for a tensor that `is_new` or was read before.
    fn external(&self, name: &str, tensor: &TensorProto, size: usize, is_new: bool) -> Result<Vec<u8>> {
        let entry = |key: &str| tensor.external.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let location = Path::new(entry("location").unwrap_or_default());
        let is_beside = location.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_beside || location.as_os_str().is_empty() {
            return Err(damaged(name, "is to be read from a file that is not in the same folder"));
        }
        let offset = match entry("offset").map(str::parse::<u64>) {
            None => 0,
            Some(offset) => offset.map_err(|_| damaged(name, "is at no place in its file"))?,
        };
        let shown = location.display();
        let failed = |cause: std::io::Error| ExchangeError::Damaged {
            what: format!("tensor `{name}`, whose values are in {shown} beside this file: {cause}"),
        };
        let mut file = File::open(self.folder.join(location)).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if length < offset.saturating_add(size as u64) {
            return Err(failed(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)));
        }
        if is_new {
            let mut taken = self.taken.borrow_mut();
            let taken = taken.entry(location.to_owned()).or_default();
            *taken = taken.saturating_add(size as u64);
            if *taken > length {
                return Err(damaged(name, "has, with those before it, more values than are in their file"));
            }
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = vec![0; size];
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

/// The little-endian bytes of values in the field of their type.
fn typed(tensor: &TensorProto) -> Vec<u8> {
    match tensor.kind {
        FLOAT => tensor.floats.as_bytes().to_vec(),
        DOUBLE => tensor.doubles.as_bytes().to_vec(),
        INT64 => tensor.longs.as_bytes().to_vec(),
        INT32 => tensor.ints.as_bytes().to_vec(),
        _ => tensor.ints.iter().flat_map(|bits| (*bits as u16).to_le_bytes()).collect(),
    }
}

/// The shape that `Reshape` gives to one of these sizes: 0 stays, and -1 is what is left.
pub(super) fn resolve(sizes: &[i64], shape: &[usize]) -> Option<Vec<usize>> {
    let count: usize = shape.iter().product();
    let known = |(index, size): (usize, &i64)| match size {
        -1 => Some(None),
        0 => shape.get(index).copied().map(Some),
        size => usize::try_from(*size).ok().map(Some),
    };
    let sides: Vec<Option<usize>> = sizes.iter().enumerate().map(known).collect::<Option<_>>()?;
    let product = sides.iter().flatten().try_fold(1usize, |product, side| product.checked_mul(*side))?;
    let sides = match sides.iter().filter(|side| side.is_none()).count() {
        0 => sides.into_iter().flatten().collect::<Vec<_>>(),
        1 => {
            let left = count.checked_div(product)?;
            sides.into_iter().map(|side| side.unwrap_or(left)).collect()
        }
        _ => return None,
    };
    (sides.iter().try_fold(1usize, |product, side| product.checked_mul(*side)) == Some(count)).then_some(sides)
}

/// A tensor with its dimensions in another order; without one, turned round.
fn transpose(tensor: Tensor, order: Option<&[i64]>) -> Option<Tensor> {
    let rank = tensor.shape.len();
    let order: Vec<usize> = match order {
        Some(order) => order.iter().map(|axis| usize::try_from(*axis).ok()).collect::<Option<_>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        return None;
    }
    let mut steps = vec![1; rank];
    for axis in (1..rank).rev() {
        steps[axis - 1] = steps[axis] * tensor.shape[axis];
    }
    let shape: Vec<usize> = order.iter().map(|axis| tensor.shape[*axis]).collect();
    let place = |index: usize| {
        let (mut rest, mut place) = (index, 0);
        for (side, axis) in shape.iter().zip(&order).rev() {
            place += rest % side * steps[*axis];
            rest /= side;
        }
        place
    };
    let values = (0..tensor.values.len()).map(|index| tensor.values[place(index)]).collect();
    Some(Tensor { name: tensor.name, shape, values })
}

fn graph(what: String) -> ExchangeError {
    ExchangeError::Graph { what }
}

fn damaged(name: &str, what: &str) -> ExchangeError {
    ExchangeError::Damaged { what: format!("tensor `{name}` {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_resolved_as_reshape_does() {
        for (sizes, resolved) in [
            (&[0, -1][..], Some(vec![2, 12])),
            (&[-1], Some(vec![24])),
            (&[4, 6], Some(vec![4, 6])),
            (&[4, 7], None),
            (&[-1, -1], None),
            (&[5, -1], None),
            (&[-2, 12], None),
            (&[i64::MAX, i64::MAX], None),
        ] {
            assert_eq!(resolve(sizes, &[2, 3, 4]), resolved, "{sizes:?}");
        }
    }

    #[test]
    fn dimensions_change_places() {
        let tensor = |shape: &[usize], values: &[f32]| Tensor::of_values("a", shape, values.to_vec()).unwrap();
        let there = tensor(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let back = tensor(&[3, 2], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(transpose(there.clone(), None), Some(back.clone()));
        assert_eq!(transpose(there.clone(), Some(&[1, 0])), Some(back));
        assert_eq!(transpose(there.clone(), Some(&[0, 1])), Some(there.clone()));
        for order in [&[0][..], &[0, 0], &[0, 2], &[-1, 0]] {
            assert_eq!(transpose(there.clone(), Some(order)), None, "{order:?}");
        }
    }
}
