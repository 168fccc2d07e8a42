//! Chapter 5: why deep networks are hard to train.

use super::figure::{Figure, Pick, Unit};
use super::gradients::{self, Depth, Gradients};
use super::plots::{Line, Plot};
use super::training::{Set, Training};
use super::{Experiment, Part, Work};
use crate::train::Hyper;

/// Of 10,000 validation images, those that the rerun of 784-30-30-10 classified rightly after each epoch.
const RERUN_DEEP: [f64; 30] = [
    9229., 9452., 9515., 9587., 9596., 9631., 9638., 9646., 9662., 9651., 9646., 9665., 9680., 9655., 9659., 9679.,
    9689., 9677., 9671., 9675., 9664., 9680., 9658., 9679., 9671., 9681., 9666., 9698., 9697., 9671.,
];

/// The initial norms of four hidden layers in the book.
const BOOK_NORMS: [f64; 4] = [0.003, 0.017, 0.070, 0.285];

/// The initial norms that the rerun printed, by hidden layer.
const RERUN_NORMS: [(Depth, &str, &[f64]); 3] = [
    (Depth::Two, "two", &[0.079_955_503, 0.357_978_204]),
    (Depth::Three, "three", &[0.004_753_898_8, 0.023_478_628_3, 0.146_259_805_6]),
    (Depth::Four, "four", &[0.002_442_800_1, 0.014_695_951_1, 0.070_646_775_8, 0.281_704_605_7]),
];

pub(super) fn experiments() -> Vec<Experiment> {
    vec![deep(), generate_gradient()]
}

fn deep() -> Experiment {
    let hyper = Hyper { epochs: 30, eta: 0.1, lambda: 5.0, ..Hyper::default() };
    let training = Training { monitor: Some(Set::Validation), ..Training::new("784-30-30-10", "cross-entropy", hyper) };
    let title = "784-30-30-10: accuracy on the validation data";
    Experiment {
        about: "network2.py: two hidden layers of 30 neurons, lambda 5",
        seconds: 8,
        ..Experiment::beside_rerun("deep", "5", training, title, None, RERUN_DEEP)
    }
}

/// `generate_gradient.py`: 1,000 images, all in one mini-batch, for 500 epochs.
fn generate_gradient() -> Experiment {
    let (mut parts, mut figures, mut plots) = (Vec::new(), Vec::new(), Vec::new());
    for (depth, word, norms) in RERUN_NORMS {
        let part = format!("gradient-{word}");
        let work = Gradients { depth, images: 1_000, epochs: 500, eta: 0.1, lambda: 5.0 };
        parts.push(Part { name: part.clone(), work: Work::Gradients(work) });
        let layers = || gradients::LAYERS.into_iter().zip(norms);
        figures.extend(layers().map(|(curve, &norm)| Figure {
            label: format!("{word} hidden layers: initial norm of {curve}"),
            book: None,
            rerun: Some(norm),
            unit: Unit::Number,
            part: part.clone(),
            curve,
            pick: Pick::First,
        }));
        if let Depth::Four = depth {
            let start = figures.len() - BOOK_NORMS.len();
            figures[start..].iter_mut().zip(BOOK_NORMS).for_each(|(figure, norm)| figure.book = Some(norm));
        }
        let lines = layers().map(|(curve, _)| Line::epochs(&curve.replacen('h', "H", 1), &part, curve)).collect();
        plots.push(Plot {
            log_y: true,
            x_label: "Number of epochs of training",
            ..Plot::over_epochs(
                word,
                &format!("Speed of learning: {word} hidden layers"),
                "Length of the gradient",
                lines,
            )
        });
    }
    Experiment {
        name: "generate-gradient",
        chapter: "5",
        about: "generate_gradient.py: how fast each hidden layer learns, in networks of two, three and four",
        seconds: 30,
        parts,
        figures,
        plots,
        remark: "The norms depend on where the weights start: what counts is how they fall from the last hidden layer to \
                 the first.",
    }
}
