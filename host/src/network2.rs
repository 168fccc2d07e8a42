//! Networks as the book's `network2.py` saves and loads them: JSON of sizes, weights, biases, and the name of a cost.
//!
//! There, `weights[l][j][k]` leads from neuron k of layer l to neuron j of the next (the book's w_jk), `biases[l][j][0]`
//! belongs to that neuron, every neuron is a sigmoid neuron, and numbers have 64 bits. Here they have 32, and lie
//! input-major.

use crate::error::{Error, Result};
use crate::file::write_atomically;
use crate::nets::{self, Named};
use minnet::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The names of the costs, in Python and here.
const COSTS: [(&str, &str); 2] = [("CrossEntropyCost", "cross-entropy"), ("QuadraticCost", "quadratic")];

/// What such a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network2 {
    /// Neurons of each layer, the input first.
    sizes: Vec<usize>,
    /// For each layer after the input, a row of weights for each neuron.
    weights: Vec<Vec<Vec<f64>>>,
    /// For each layer after the input, a column of biases.
    biases: Vec<Vec<Vec<f64>>>,
    /// The Python name of the cost.
    cost: String,
}

impl Network2 {
    /// Reads a file, and finds the named network that it holds.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Network2Json`] if it is no such JSON; [`Error::Network2Content`] if sizes, weights and
    /// biases contradict each other, or numbers are beyond 32 bits; [`Error::Network2Unknown`] if there is no named
    /// network of these sizes and this cost.
    pub fn read(path: &Path) -> Result<(Self, &'static Named)> {
        let text = std::fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
        let network: Self = serde_json::from_slice(&text)
            .map_err(|cause| Error::Network2Json { path: path.to_owned(), cause: cause.to_string() })?;
        network.check().map_err(|what| Error::Network2Content { path: path.to_owned(), what })?;
        let cost = COSTS.iter().find(|(python, _)| *python == network.cost).map(|(_, cost)| *cost);
        let named = nets::ALL.iter().find(|net| Some(net.cost) == cost && sizes(net).as_ref() == Some(&network.sizes));
        let named = named.ok_or_else(|| Error::Network2Unknown {
            path: path.to_owned(),
            found: format!("sizes {:?} with the cost {:?}", network.sizes, network.cost),
            known: known(),
        })?;
        Ok((network, named))
    }

    /// The network in this form; `None` if not all its layers are dense ones of sigmoid neurons.
    pub fn of<In: Tensor, L: Layer<In>>(net: &Net<In, L>, named: &Named) -> Option<Self> {
        let (cost, _) = COSTS.iter().find(|(_, cost)| *cost == named.cost)?;
        let mut network =
            Self { sizes: sizes(named)?, weights: Vec::new(), biases: Vec::new(), cost: (*cost).to_owned() };
        let outputs = network.sizes.get(1..)?.to_vec();
        let mut runs = Vec::new();
        net.visit(|run| runs.push(run.iter().map(|&value| f64::from(value)).collect::<Vec<_>>()));
        for (pair, outputs) in runs.chunks_exact(2).zip(outputs) {
            let [weights, biases] = pair else { return None };
            let row = |j| weights.iter().skip(j).step_by(outputs).copied().collect();
            network.weights.push((0..outputs).map(row).collect());
            network.biases.push(biases.iter().map(|&bias| vec![bias]).collect());
        }
        Some(network)
    }

    /// Gives these weights and biases, rounded to 32 bits, to the network that [`read`](Self::read) has found.
    pub fn fill<In: Tensor, L: Layer<In>>(&self, net: &mut Net<In, L>) {
        let mut layers = self.weights.iter().zip(&self.biases);
        let mut biases = None;
        net.visit_mut(|run| match biases.take() {
            // Weights come before biases.
            None => {
                let Some((weights, these)) = layers.next() else { return };
                biases = Some(these);
                let outputs = weights.len().max(1);
                for (place, value) in run.iter_mut().enumerate() {
                    let weight = weights.get(place % outputs).and_then(|row| row.get(place / outputs));
                    *value = weight.map_or(0.0, |&weight| weight as f32);
                }
            }
            Some(column) => {
                for (value, bias) in run.iter_mut().zip(column.iter().flatten()) {
                    *value = *bias as f32;
                }
            }
        });
    }

    /// Writes the file, whole or not at all. `network2.load` reads it, with the same numbers to the last bit.
    ///
    /// # Errors
    /// Those of [`write_atomically`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, |file| Ok(serde_json::to_writer(file, self)?))
    }

    /// Whether the arrays have the shapes that the sizes ask for, and numbers that 32 bits can hold.
    fn check(&self) -> std::result::Result<(), String> {
        let pairs: Vec<_> = self.sizes.iter().zip(self.sizes.iter().skip(1)).collect();
        agree("weights", self.weights.len(), pairs.len(), "(one for each layer after the input)")?;
        agree("biases", self.biases.len(), pairs.len(), "(one for each layer after the input)")?;
        for (l, (&inputs, &outputs)) in pairs.into_iter().enumerate() {
            for (name, matrix, columns) in [("weights", &self.weights[l], inputs), ("biases", &self.biases[l], 1)] {
                agree(&format!("{name}[{l}]"), matrix.len(), outputs, "(one for each neuron)")?;
                for (j, row) in matrix.iter().enumerate() {
                    agree(&format!("{name}[{l}][{j}]"), row.len(), columns, "(one for each neuron before)")?;
                    if let Some(k) = row.iter().position(|&value| !(value as f32).is_finite()) {
                        return Err(format!("{name}[{l}][{j}][{k}] is {:e}, too large for 32 bits", row[k]));
                    }
                }
            }
        }
        Ok(())
    }
}

fn agree(name: &str, found: usize, wanted: usize, of: &str) -> std::result::Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{name} has {found} entries instead of {wanted} {of}")) }
}

/// The sizes of a network of dense layers of sigmoid neurons, by the words of its architecture; `None` for others.
fn sizes(net: &Named) -> Option<Vec<usize>> {
    let (input, layers) = net.architecture.split_once(": ")?;
    let dense = |layer: &str| layer.strip_prefix("dense ")?.strip_suffix(" sigmoid")?.parse().ok();
    [input.parse().ok()].into_iter().chain(layers.split(", ").map(dense)).collect()
}

/// The sizes of the named networks that can be read and written.
fn known() -> String {
    let mut known: Vec<String> = nets::ALL.iter().filter_map(sizes).map(|sizes| join(&sizes)).collect();
    known.dedup();
    known.join(", ")
}

fn join(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dense_sigmoid_networks_have_sizes() {
        for net in nets::ALL {
            match sizes(net) {
                Some(sizes) => assert_eq!(join(&sizes), net.name),
                None => assert!(["conv", "softmax"].iter().any(|word| net.architecture.contains(word)), "{net:?}"),
            }
        }
        assert!(known().starts_with("784-30-10, 784-100-10, 784-10, 784-0-10, 784-30-30-10"), "{}", known());
    }

    #[test]
    fn rows_of_weights_become_columns_and_come_back() {
        let named = nets::find("784-10", Some("quadratic")).unwrap();
        let weights = vec![(0..10).map(|j| (0..784).map(|k| f64::from(1000 * j + k)).collect()).collect()];
        let biases = vec![(0..10).map(|j| vec![-f64::from(j)]).collect()];
        let network = Network2 { sizes: vec![784, 10], weights, biases, cost: "QuadraticCost".into() };
        network.check().unwrap();
        let mut net = crate::model::zeroed::<[f32; 784], Dense<784, 10, Sigmoid>>().unwrap();
        network.fill(&mut net);
        // weights[input][output] is the book's w_jk with k the input.
        assert_eq!((net.layers().weights[5][3], net.layers().bias[3]), (3005.0, -3.0));
        assert_eq!(Network2::of(&net, named), Some(network));
        assert_eq!(Network2::of(&net, nets::find(nets::DEFAULT, None).unwrap()), None);
    }
}
