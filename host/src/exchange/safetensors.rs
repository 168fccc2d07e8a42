//! Safetensors: what PyTorch users save. Written with the names of an `nn.Sequential`.

use super::layout::{Layout, places, to, weighted};
use super::tensor::{Float, Tensor, Total, count};
use super::{ExchangeError, torch};
use crate::network::Network;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use zerocopy::IntoBytes;

/// The most bytes of a header: a tensor takes about a hundred, and more memory than that.
const HEADER: u64 = 4 << 20;

/// The tensors of floats in a file, for a network of `limit` parameters. Those of integers, such as PyTorch's
/// `num_batches_tracked`, are left out.
pub(super) fn read(bytes: &[u8], limit: usize) -> Result<Vec<Tensor>, ExchangeError> {
    if let Some(length) = bytes.first_chunk().map(|length| u64::from_le_bytes(*length))
        && length > HEADER
    {
        return Err(ExchangeError::Damaged { what: format!("its header: says that it is {length} bytes long") });
    }
    let file = SafeTensors::deserialize(bytes)
        .map_err(|cause| ExchangeError::Damaged { what: format!("its header: {cause}") })?;
    let (mut tensors, mut total) = (Vec::new(), Total::new(limit));
    for (name, view) in file.tensors() {
        let float = match view.dtype() {
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::Bf16,
            Dtype::F32 => Float::F32,
            Dtype::F64 => Float::F64,
            Dtype::BOOL | Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 => continue,
            Dtype::U32 | Dtype::I32 | Dtype::U64 | Dtype::I64 => continue,
            other => return Err(ExchangeError::Type { tensor: name, found: format!("{other:?}") }),
        };
        total.add(count(&name, view.shape(), limit)?)?;
        tensors.push(Tensor::of_bytes(&name, view.shape(), float, view.data())?);
    }
    Ok(tensors)
}

/// A network as a file.
pub(super) fn bytes(network: &Network) -> Result<Vec<u8>, ExchangeError> {
    let layers = weighted(network.architecture())?;
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for (layer, torch::Weights { number, weights, biases }) in layers.iter().zip(torch::weights(network, &layers)?) {
        let places = places(layer.op, Layout::Torch, layer.flattened);
        tensors.push((format!("{number}.weight"), layer.shape(Layout::Torch), to(&places, &weights)));
        tensors.push((format!("{number}.bias"), vec![layer.op.biases()], biases));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, values)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), values.as_bytes())?)));
    let views: Result<Vec<_>, safetensors::SafeTensorError> = views.collect();
    // Programs ask whose tensors these are.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    views
        .and_then(|views| safetensors::serialize(views, Some(metadata)))
        .map_err(|cause| ExchangeError::Damaged { what: format!("the tensors do not go into a file: {cause}") })
}
