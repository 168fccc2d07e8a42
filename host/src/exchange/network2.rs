//! Networks as the book's `network2.py` saves and loads them: JSON of sizes, weights, biases, and the name of a cost.
//!
//! There, `weights[l][j][k]` leads from neuron k of layer l to neuron j of the next (the book's w_jk), `biases[l][j][0]`
//! belongs to that neuron, every neuron is a sigmoid neuron, and numbers have 64 bits. Here they have 32, and lie
//! input-major.

mod matrices;

use crate::error::{Error, Result};
use crate::nets::{self, Net};
use crate::network::Network;
use matrices::{Matrices, Special};
use minnet::activation::Function;
use minnet::op::Op;
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
    weights: Matrices<f64>,
    /// For each layer after the input, a column of biases.
    biases: Matrices<f64>,
    /// The Python name of the cost.
    cost: String,
}

impl Network2 {
    /// The network in a file's text, its weights and biases rounded to 32 bits.
    ///
    /// # Errors
    /// They name the file. [`Error::Network2Json`] if it is no such JSON; [`Error::Network2Content`] if sizes, weights and
    /// biases contradict each other; [`Error::Network2NotFinite`] if a number is none, or beyond 32 bits;
    /// [`Error::Network2Sizes`] if there is no network of these sizes; [`Error::Network2Cost`] if there is no such cost.
    pub fn parse(path: &Path, text: &[u8]) -> Result<(Net, Network)> {
        let network: Self = serde_json::from_slice(text).map_err(|cause| match Self::not_finite(text) {
            Some(what) => Error::Network2NotFinite { path: path.to_owned(), what },
            None => Error::Network2Json { path: path.to_owned(), cause: cause.to_string() },
        })?;
        network.check().map_err(|what| Error::Network2Content { path: path.to_owned(), what })?;
        let too_large = |value: &f64| (!(*value as f32).is_finite()).then(|| format!("{value:e}"));
        if let Some(what) = first(&network.weights, &network.biases, too_large) {
            return Err(Error::Network2NotFinite { path: path.to_owned(), what });
        }
        let cost = COSTS.iter().find(|(python, _)| *python == network.cost).map(|(_, cost)| *cost);
        let cost = cost.ok_or_else(|| Error::Network2Cost { path: path.to_owned(), cost: network.cost.clone() })?;
        let net = nets::find_architecture(&network.text(), cost)
            .map_err(|cause| Error::Network2Sizes { path: path.to_owned(), cause })?;
        let network = Network::with_parameters(&net, network.parameters())?;
        Ok((net, network))
    }

    /// The network in this form; `None` if not all its layers are dense ones of sigmoid neurons, or there is no such
    /// cost.
    pub fn of(network: &Network) -> Option<Self> {
        let (cost, _) = COSTS.iter().find(|(_, cost)| *cost == network.cost().name())?;
        let (sizes, cost) = (vec![network.architecture().inputs()], (*cost).to_owned());
        let mut file = Self { sizes, weights: Matrices::default(), biases: Matrices::default(), cost };
        for (op, weights, biases) in network.each_layer() {
            let Op::Dense(dense) = op else { return None };
            if dense.activation != Function::Sigmoid {
                return None;
            }
            let row = |j| weights.iter().skip(j).step_by(dense.outputs).map(|&weight| f64::from(weight));
            file.sizes.push(dense.outputs);
            file.weights.push((0..dense.outputs).map(row));
            file.biases.push(biases.iter().map(|&bias| [f64::from(bias)]));
        }
        Some(file)
    }

    /// The text of its architecture.
    fn text(&self) -> String {
        let mut sizes = self.sizes.iter();
        let input = sizes.next().map_or(String::new(), usize::to_string);
        let layers: Vec<String> = sizes.map(|outputs| format!("dense {outputs} sigmoid")).collect();
        format!("{input}: {}", layers.join(", "))
    }

    /// All parameters, in the order of a [`Network`]'s.
    fn parameters(&self) -> Vec<f32> {
        let mut parameters = Vec::new();
        for (weights, biases) in self.weights.each().zip(self.biases.each()) {
            let inputs = weights.clone().next().map_or(0, <[f64]>::len);
            parameters.extend((0..inputs).flat_map(|k| weights.clone().map(move |row| row[k] as f32)));
            parameters.extend(biases.flatten().map(|&bias| bias as f32));
        }
        parameters
    }

    /// The file's text. `network2.load` reads it, with the same numbers to the last bit.
    ///
    /// # Panics
    /// Never: lists, numbers and a name can be JSON.
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|error| unreachable!("lists of numbers: {error}"))
    }

    /// The first weight or bias that Python wrote as `NaN`, `Infinity` or `-Infinity`: JSON does not have these.
    fn not_finite(text: &[u8]) -> Option<String> {
        #[derive(Deserialize)]
        struct Numbers {
            weights: Matrices<Special>,
            biases: Matrices<Special>,
        }
        let text = std::str::from_utf8(text).ok()?;
        if !text.contains("NaN") && !text.contains("Infinity") {
            return None;
        }
        let text = text.replace("NaN", "\"NaN\"").replace("Infinity", "\"Infinity\"").replace("-\"", "\"-");
        let Numbers { weights, biases } = serde_json::from_str(&text).ok()?;
        first(&weights, &biases, |special| special.name().map(str::to_owned))
    }

    /// Whether the arrays have the shapes that the sizes ask for.
    fn check(&self) -> std::result::Result<(), String> {
        let pairs: Vec<_> = self.sizes.iter().zip(self.sizes.iter().skip(1)).collect();
        agree("weights", self.weights.each().len(), pairs.len(), "(one for each layer after the input)")?;
        agree("biases", self.biases.each().len(), pairs.len(), "(one for each layer after the input)")?;
        let matrices = self.weights.each().zip(self.biases.each());
        for (l, ((&inputs, &outputs), (weights, biases))) in pairs.into_iter().zip(matrices).enumerate() {
            for (name, matrix, columns) in [("weights", weights, inputs), ("biases", biases, 1)] {
                agree(&format!("{name}[{l}]"), matrix.len(), outputs, "(one for each neuron)")?;
                for (j, row) in matrix.enumerate() {
                    agree(&format!("{name}[{l}][{j}]"), row.len(), columns, "(one for each neuron before)")?;
                }
            }
        }
        Ok(())
    }
}

/// Where a weight or a bias is, and what it is, if it is not what it should be: the first one.
fn first<T>(weights: &Matrices<T>, biases: &Matrices<T>, wrong: impl Fn(&T) -> Option<String>) -> Option<String> {
    [("weights", weights), ("biases", biases)].into_iter().find_map(|(name, layers)| {
        let rows = layers.each().enumerate().flat_map(|(l, rows)| rows.enumerate().map(move |(j, row)| (l, j, row)));
        let mut values = rows.flat_map(|(l, j, row)| row.iter().enumerate().map(move |(k, value)| (l, j, k, value)));
        values.find_map(|(l, j, k, value)| Some(format!("{name}[{l}][{j}][{k}] is {}", wrong(value)?)))
    })
}

/// A text that has a byte-order mark, or is in UTF-16, in plain UTF-8; `None` for other bytes.
pub(super) fn in_utf8(bytes: &[u8]) -> Option<Vec<u8>> {
    let of_utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|&pair| unit(pair)).collect();
        String::from_utf16_lossy(&units).into_bytes()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Some(rest.to_vec()),
        // Lengths, which other formats begin with, have zeros in the place of the brace.
        [0xff, 0xfe, b'{', 0, ..] => Some(of_utf16(&bytes[2..], u16::from_le_bytes)),
        [0xfe, 0xff, 0, b'{', ..] => Some(of_utf16(&bytes[2..], u16::from_be_bytes)),
        [b'{', 0, b'"', 0, ..] => Some(of_utf16(bytes, u16::from_le_bytes)),
        [0, b'{', 0, b'"', ..] => Some(of_utf16(bytes, u16::from_be_bytes)),
        _ => None,
    }
}

fn agree(name: &str, found: usize, wanted: usize, of: &str) -> std::result::Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{name} has {found} entries instead of {wanted} {of}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dense_sigmoid_networks_with_a_cost_of_the_book_s_go_into_a_file() {
        for (text, cost, is_one) in [
            ("784: dense 30 sigmoid, dense 10 sigmoid", "cross-entropy", true),
            ("5: dense 0 sigmoid, dense 2 sigmoid", "quadratic", true),
            ("784: dense 30 sigmoid, dense 10 softmax", "quadratic", false),
            ("784: dense 30, dense 10 sigmoid", "quadratic", false),
            ("784: dropout 20, dense 10 sigmoid", "quadratic", false),
            ("784: dense 10 softmax", "log-likelihood", false),
        ] {
            let network = Network::zeroed(&nets::find(text, Some(cost)).unwrap()).unwrap();
            let file = Network2::of(&network);
            assert_eq!(file.is_some(), is_one, "{text}");
            assert!(file.is_none_or(|file| file.text() == text && file.check().is_ok()), "{text}");
        }
    }

    #[test]
    fn rows_of_weights_become_columns_and_come_back() {
        let weights = |inputs, outputs| -> Vec<Vec<f64>> {
            (0..outputs).map(|j| (0..inputs).map(|k| f64::from(1000 * j + k)).collect()).collect()
        };
        let biases = |outputs| -> Vec<Vec<f64>> { (0..outputs).map(|j| vec![-f64::from(j)]).collect() };
        let file = Network2 {
            sizes: vec![7, 5, 0, 3],
            weights: Matrices::of([weights(7, 5), weights(5, 0), weights(0, 3)]),
            biases: Matrices::of([biases(5), biases(0), biases(3)]),
            cost: "QuadraticCost".into(),
        };
        let (net, network) = Network2::parse(Path::new("network.json"), &file.json()).unwrap();
        assert_eq!(net.architecture.to_string(), "7: dense 5 sigmoid, dense 0 sigmoid, dense 3 sigmoid");
        // At [input][output] stands the book's w_jk with k the input; the biases come after the weights.
        assert_eq!((network.parameters()[2 * 5 + 3], network.parameters()[7 * 5 + 3]), (3002.0, -3.0));
        assert_eq!(Network2::of(&network), Some(file));
    }

    /// A network whose second layer has these weights and biases, as Python writes it.
    fn json(weights: &str, biases: &str) -> String {
        format!(
            "{{\"sizes\": [1, 1, 2], \"weights\": [[[0.5]], {weights}], \"biases\": [[[0.5]], {biases}], \"cost\": \
             \"QuadraticCost\"}}"
        )
    }

    #[test]
    fn a_weight_that_is_no_number_is_named() {
        for (weights, biases, expected) in [
            ("[[1.0], [NaN]]", "[[1], [2]]", "weights[1][1][0] is NaN"),
            ("[[-Infinity],[NaN]]", "[[1], [2]]", "weights[1][0][0] is -Infinity"),
            ("[[1], [-2]]", "[[1],[Infinity]]", "biases[1][1][0] is Infinity"),
            ("[[1], [-1e300]]", "[[1], [2]]", "weights[1][1][0] is -1e300"),
        ] {
            let refused = Network2::parse(Path::new("a.json"), json(weights, biases).as_bytes()).unwrap_err();
            let message = refused.to_string();
            assert!(message.starts_with(&format!("a.json: {expected}, which is no number of 32 bits")), "{message}");
            assert!(message.contains("the training there diverged; train it again"), "{message}");
        }
        // What is no JSON for another reason, too.
        let refused = Network2::parse(Path::new("a.json"), json("[[NaN], [", "").as_bytes()).unwrap_err();
        assert!(matches!(refused, Error::Network2Json { .. }), "{refused}");
    }

    #[test]
    fn texts_in_the_codings_that_systems_write_are_read() {
        let text = json("[[1], [-2]]", "[[1], [2]]");
        let import = |bytes: &[u8]| super::super::parse(Path::new("a.json"), bytes, &Default::default()).unwrap();
        let expected = import(text.as_bytes()).network.weight_hash();
        let units = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let (little, big) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
        for bytes in [
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", &little[..]].concat(),
            [b"\xfe\xff", &big[..]].concat(),
            little,
            big,
        ] {
            assert_eq!(import(&bytes).network.weight_hash(), expected, "{:?}", &bytes[..4]);
        }
    }

    #[test]
    fn sizes_that_are_no_network_are_said() {
        for sizes in [vec![], vec![784]] {
            let (weights, biases) = (Matrices::default(), Matrices::default());
            let file = Network2 { sizes, weights, biases, cost: "QuadraticCost".into() };
            let refused = Network2::parse(Path::new("network.json"), &file.json());
            assert!(matches!(refused, Err(Error::Network2Sizes { .. })));
        }
    }
}
