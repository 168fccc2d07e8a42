//! The networks that the command line takes: by a name, or by their text.

use crate::architecture::{Architecture, Shape, TextError};
use crate::data::Data;
use crate::error::{Error, Result};
use minnet::cost::CostFunction::{self, CrossEntropy, LogLikelihood, Quadratic};
use serde::{Serialize, Serializer};

/// The network that `host train` trains when it is told nothing: the book's two convolutions with ReLU.
pub const DEFAULT: &str = "conv20-conv40-100-10-relu";

/// A network that has a name.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its name on the command line. Two networks that differ only in their last layer, and so in their costs, have one
    /// name.
    pub name: &'static str,
    /// What it is, and where the book has it.
    pub about: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The costs that the book trains it with, the default first.
    pub costs: &'static [CostFunction],
}

/// Every network that has a name. Of those with one name, the first is the default.
pub const NAMED: &[Named] = &[
    Named {
        name: "784-30-10",
        about: "one hidden layer, chapter 1",
        text: "784: dense 30 sigmoid, dense 10 sigmoid",
        costs: &[CrossEntropy, Quadratic],
    },
    Named {
        name: "784-30-10",
        about: "one hidden layer and a softmax, chapter 3",
        text: "784: dense 30 sigmoid, dense 10 softmax",
        costs: &[LogLikelihood],
    },
    Named {
        name: "784-100-10",
        about: "one hidden layer, chapters 1 and 3",
        text: "784: dense 100 sigmoid, dense 10 sigmoid",
        costs: &[CrossEntropy, Quadratic],
    },
    Named {
        name: "784-100-10",
        about: "one hidden layer and a softmax, chapter 6",
        text: "784: dense 100 sigmoid, dense 10 softmax",
        costs: &[LogLikelihood],
    },
    Named {
        name: "784-10",
        about: "no hidden layer, chapter 1",
        text: "784: dense 10 sigmoid",
        costs: &[CrossEntropy, Quadratic],
    },
    Named {
        name: "784-0-10",
        about: "a hidden layer of no neurons, chapter 1",
        text: "784: dense 0 sigmoid, dense 10 sigmoid",
        costs: &[Quadratic, CrossEntropy],
    },
    Named {
        name: "784-30-30-10",
        about: "two hidden layers, chapter 5",
        text: "784: dense 30 sigmoid, dense 30 sigmoid, dense 10 sigmoid",
        costs: &[CrossEntropy, Quadratic],
    },
    Named {
        name: "784-30-30-30-10",
        about: "three hidden layers, chapter 5",
        text: "784: dense 30 sigmoid, dense 30 sigmoid, dense 30 sigmoid, dense 10 sigmoid",
        costs: &[CrossEntropy, Quadratic],
    },
    Named {
        name: "784-30-30-30-30-10",
        about: "four hidden layers, chapter 5",
        text: "784: dense 30 sigmoid, dense 30 sigmoid, dense 30 sigmoid, dense 30 sigmoid, dense 10 sigmoid",
        costs: &[CrossEntropy, Quadratic],
    },
    Named {
        name: "conv20-100-10",
        about: "one convolution, chapter 6",
        text: "28x28x1: conv5x5 20 maxpool2 sigmoid, flatten, dense 100 sigmoid, dense 10 softmax",
        costs: &[LogLikelihood],
    },
    Named {
        name: "conv20-conv40-100-10",
        about: "two convolutions, chapter 6",
        text: "28x28x1: conv5x5 20 maxpool2 sigmoid, conv5x5 40 maxpool2 sigmoid, flatten, dense 100 sigmoid, \
               dense 10 softmax",
        costs: &[LogLikelihood],
    },
    Named {
        name: DEFAULT,
        about: "two convolutions with ReLU, chapter 6: the default",
        text: "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, dense 100 relu, dense 10 softmax",
        costs: &[LogLikelihood],
    },
    Named {
        name: "conv20-conv40-100-100-10-relu",
        about: "an extra dense layer, chapter 6",
        text: "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, dense 100 relu, dense 100 relu, \
               dense 10 softmax",
        costs: &[LogLikelihood],
    },
    Named {
        name: "conv20-conv40-1000-1000-10-dropout",
        about: "dropout, chapter 6",
        text: "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, dropout 50, dense 1000 relu, \
               dropout 50, dense 1000 relu, dropout 50, dense 10 softmax",
        costs: &[LogLikelihood],
    },
    Named {
        name: "conv4-conv12-10-relu",
        about: "two small convolutions, for small microcontrollers",
        text: "28x28x1: conv5x5 4 maxpool2 relu, conv5x5 12 maxpool2 relu, flatten, dense 10 softmax",
        costs: &[LogLikelihood],
    },
];

/// A network and the cost that it is trained with.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// Its name, or its text if it has none.
    pub name: String,
    /// What it is; empty for one without a name.
    pub about: &'static str,
    /// Its input and layers.
    pub architecture: Architecture,
    /// Its cost.
    pub cost: CostFunction,
}

/// The text of a network for data that nobody has named one for: a start, which does well on small tasks.
pub fn for_data(data: &Data) -> String {
    let (shape, outputs) = (data.shape(), data.all().outputs());
    let digits = Shape::Image { height: 28, width: 28, channels: 1 };
    let numbers = data.all().numbers().is_some();
    if shape == digits && outputs == 10 && !numbers {
        return DEFAULT.into();
    }
    let last = if numbers { format!("dense {outputs}") } else { format!("dense {outputs} softmax") };
    match shape {
        Shape::Vector(_) => format!("{shape}: dense 100 relu, {last}"),
        Shape::Image { height, width, .. } if height == 1 || width == 1 => {
            let filter = if width == 1 { "conv5x1" } else { "conv1x5" };
            let layers = format!("{filter} 16 stride 2 same relu, {filter} 32 stride 2 same relu");
            format!("{shape}: {layers}, flatten, dense 64 relu, {last}")
        }
        Shape::Image { height, width, .. } => {
            // Halved until it is small, by pooling where that leaves no rest.
            let (mut height, mut width, mut layers) = (height, width, String::from("conv3x3 16 same relu, "));
            for filters in [32, 32, 64, 64, 64] {
                if height.max(width) <= 4 {
                    break;
                }
                let is_even = [height, width].iter().all(|side| side.is_multiple_of(2));
                let halving = if is_even { "same maxpool2" } else { "stride 2 same" };
                layers += &format!("conv3x3 {filters} {halving} relu, ");
                (height, width) = (height.div_ceil(2), width.div_ceil(2));
            }
            format!("{shape}: {layers}flatten, dense 64 relu, {last}")
        }
    }
}

impl Net {
    fn new(architecture: Architecture, cost: CostFunction) -> Self {
        let text = architecture.to_string();
        let (name, about) = match NAMED.iter().find(|named| named.text == text) {
            Some(named) => (named.name.into(), named.about),
            None => (text, ""),
        };
        Self { name, about, architecture, cost }
    }

    /// The costs that go with it.
    pub fn costs(&self) -> impl Iterator<Item = CostFunction> {
        costs(&self.architecture)
    }
}

/// What of it goes into JSON.
impl Serialize for Net {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Report<'a> {
            name: &'a str,
            cost: &'a str,
            about: &'a str,
            architecture: String,
            classes: usize,
            parameters: usize,
            macs: usize,
            flash_bytes: usize,
            ram_bytes: usize,
        }
        let Self { name, about, architecture, cost } = self;
        let report = Report {
            name,
            cost: cost.name(),
            about,
            architecture: architecture.to_string(),
            classes: architecture.outputs(),
            parameters: architecture.parameters(),
            macs: architecture.macs(),
            flash_bytes: architecture.flash_bytes(),
            ram_bytes: architecture.ram_bytes(),
        };
        report.serialize(serializer)
    }
}

/// The costs that go with a network; the one that it has if none is asked for is the first.
fn costs(architecture: &Architecture) -> impl Iterator<Item = CostFunction> + use<> {
    let output = architecture.activation();
    CostFunction::ALL.iter().copied().filter(move |cost| cost.fits(output))
}

/// Finds a network by its name or its text, and the name of its cost (`None`: the network's default).
///
/// # Errors
/// An unknown name, with the nearest known one; a text that is no network; a cost that the network does not go with,
/// and those it goes with.
pub fn find(name_or_text: &str, cost: Option<&str>) -> Result<Net> {
    let name = name_or_text.trim();
    let named: Vec<_> = NAMED.iter().filter(|named| named.name == name).collect();
    let mut candidates = Vec::new();
    for named in &named {
        // The default stands first.
        let architecture = Architecture::parse(named.text)?;
        let others = costs(&architecture).filter(|cost| !named.costs.contains(cost));
        candidates.extend(named.costs.iter().copied().chain(others).map(|cost| (architecture.clone(), cost)));
    }
    if named.is_empty() {
        if !is_text(name) {
            let nearest = NAMED.iter().map(|named| named.name).min_by_key(|known| strsim::levenshtein(known, name));
            return Err(Error::UnknownNet { name: name.to_owned(), nearest: nearest.unwrap_or(DEFAULT) });
        }
        let architecture = Architecture::parse(name_or_text)?;
        candidates.extend(costs(&architecture).map(|cost| (architecture.clone(), cost)));
    }
    let fits = |(_, known): &&(_, CostFunction)| cost.is_none_or(|cost| known.name() == cost);
    if let Some((architecture, cost)) = candidates.iter().find(fits) {
        return Ok(Net::new(architecture.clone(), *cost));
    }
    let mut known: Vec<_> = candidates.iter().map(|(_, cost)| cost.name()).collect();
    known.sort_unstable();
    known.dedup();
    let cost = cost.unwrap_or_default().to_owned();
    Err(Error::UnknownCost { net: name.to_owned(), cost, known: known.join(", ") })
}

/// Finds a network by its text and the name of its cost, as a model file holds them. If the cost is none that goes with
/// the network (that of a program which brings its own), it is the network's default.
///
/// # Errors
/// A text that is no network.
pub fn find_architecture(text: &str, cost: &str) -> std::result::Result<Net, TextError> {
    let architecture = Architecture::parse(text)?;
    let own = costs(&architecture).find(|known| known.name() == cost);
    let cost = own.or_else(|| costs(&architecture).next()).unwrap_or(Quadratic);
    Ok(Net::new(architecture, cost))
}

/// Whether this is meant as a text rather than as a name.
fn is_text(name_or_text: &str) -> bool {
    name_or_text.is_empty() || name_or_text.contains(|letter: char| letter.is_whitespace() || ":,".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_fits_the_stm32f405() {
        let Net { architecture, .. } = find(DEFAULT, None).unwrap();
        assert!(architecture.flash_bytes() < 1 << 20 && architecture.ram_bytes() < 128 << 10);
        assert_eq!((architecture.parameters(), architecture.macs()), (85_670, 1_633_000));
    }

    #[test]
    fn every_named_network_is_found_by_its_name_and_by_its_text() {
        for named in NAMED {
            for cost in named.costs {
                let net = find(named.name, Some(cost.name())).unwrap();
                assert_eq!((net.architecture.to_string().as_str(), net.cost), (named.text, *cost));
                assert_eq!((net.name.as_str(), net.about), (named.name, named.about));
                assert_eq!(find(named.text, Some(cost.name())).unwrap(), net);
                assert_eq!(find_architecture(named.text, cost.name()).unwrap(), net);
            }
        }
    }

    #[test]
    fn the_default_cost_is_that_of_the_first_of_a_name() {
        for (name, text, cost) in [
            ("784-30-10", "784: dense 30 sigmoid, dense 10 sigmoid", CrossEntropy),
            ("784-0-10", "784: dense 0 sigmoid, dense 10 sigmoid", Quadratic),
        ] {
            let net = find(name, None).unwrap();
            assert_eq!((net.architecture.to_string().as_str(), net.cost), (text, cost));
        }
    }

    #[test]
    fn the_default_cost_of_a_text_is_that_of_its_last_layer() {
        for (last, cost) in [
            ("softmax", LogLikelihood),
            ("sigmoid", CrossEntropy),
            ("fast-sigmoid", CrossEntropy),
            ("tanh", Quadratic),
            ("", Quadratic),
        ] {
            let net = find(&format!("7:dense 10 {last}"), None).unwrap();
            assert_eq!((net.cost, net.about), (cost, ""));
            assert_eq!(net.name, net.architecture.to_string());
        }
        // A name's own default is another.
        assert_eq!(find("784: dense 0 sigmoid, dense 10 sigmoid", None).unwrap().cost, CrossEntropy);
    }

    #[test]
    fn an_unknown_name_gets_the_nearest() {
        for name in ["784-30-1O", "784-3-10", " 784-30-11 "] {
            let error = find(name, None).unwrap_err().to_string();
            assert!(
                error.contains("did you mean 784-30-10?") && error.contains("a text can be any network"),
                "{error}"
            );
        }
        let error = find("784: dens 10", None).unwrap_err().to_string();
        assert!(error.contains("did you mean `dense`?"), "{error}");
        assert!(matches!(find("", None), Err(Error::Text(_))));
    }

    #[test]
    fn a_cost_the_network_does_not_go_with_lists_those_it_does() {
        for (net, cost, known) in [
            ("conv20-100-10", "cross-entropy", "log-likelihood, quadratic"),
            ("784-30-10", "cheap", "cross-entropy, log-likelihood, quadratic"),
            ("784: dense 10 tanh", "cross-entropy", "quadratic"),
        ] {
            let error = find(net, Some(cost)).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("network {net} does not go with the cost {cost}; it goes with: {known} (--cost)")
            );
        }
        assert_eq!(find("conv20-100-10", Some("quadratic")).unwrap().cost, Quadratic);
    }

    #[test]
    fn a_model_with_a_cost_of_its_own_gets_the_default() {
        for cost in ["", "cheap", "cross-entropy"] {
            assert_eq!(find_architecture("784: dense 5 softmax", cost).unwrap().cost, LogLikelihood);
        }
        assert_eq!(find_architecture("784: dense 5 softmax", "quadratic").unwrap().cost, Quadratic);
        assert!(find_architecture("784: dense 5 mine", "quadratic").is_err());
    }

    #[test]
    fn json_has_what_the_list_shows() {
        let json = serde_json::to_value(find("784-10", None).unwrap()).unwrap();
        assert_eq!((&json["name"], &json["cost"]), (&"784-10".into(), &"cross-entropy".into()));
        assert_eq!((&json["classes"], &json["parameters"]), (&10.into(), &7850.into()));
        assert_eq!((&json["flash_bytes"], &json["ram_bytes"]), (&31_400.into(), &3176.into()));
    }
}
