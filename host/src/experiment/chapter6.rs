//! Chapter 6: `network3.py`. The settings are a table ([`SETTINGS`]): what the book's theano takes hours for is to take
//! minutes here, so learning rates fall instead of staying, and there are fewer epochs. What was tried to choose
//! them was judged on the validation images.

use super::figure::{Figure, Pick};
use super::plots::{Line, Plot};
use super::training::{self, Set, Training};
use super::{Experiment, Part, Work};
use crate::train::Hyper;
use minnet::prelude::{Init, Regularization};

/// What is done otherwise than in the book.
const REMARK: &str = "The settings are not the book's. Here the learning rate falls, there are fewer epochs, the weights start \
                      otherwise, and they decay in every one of these networks. In the book the learning rate stays at 0.1, or \
                      at 0.03 from the rectified linear units on, for 60 epochs, or 40 with dropout.";

/// A program, its results in the book and in the rerun, and how it is trained here.
struct Setting {
    name: &'static str,
    about: &'static str,
    net: &'static str,
    expanded: bool,
    init: Init,
    epochs: u32,
    eta: f32,
    final_eta: f32,
    /// Divided by the number of mini-batches, as in the book.
    lambda: f32,
    /// The book's test accuracy in percent.
    book: f64,
    /// The rerun's test accuracy at the best validation accuracy, and that, in percent.
    rerun: [f64; 2],
    seconds: u32,
}

const SETTINGS: [Setting; 7] = [
    Setting {
        name: "network3-dense",
        about: "network3.py: a hidden layer of 100 neurons and a softmax",
        net: "784-100-10",
        expanded: false,
        init: Init::FanIn,
        epochs: 40,
        eta: 0.5,
        final_eta: 0.02,
        lambda: 0.3,
        book: 97.80,
        rerun: [97.79, 97.78],
        seconds: 15,
    },
    Setting {
        name: "network3-conv",
        about: "network3.py: a convolution of 20 filters before the hidden layer",
        net: "conv20-100-10",
        expanded: false,
        init: Init::FanIn,
        epochs: 20,
        eta: 0.5,
        final_eta: 0.02,
        lambda: 0.3,
        book: 98.78,
        rerun: [98.80, 98.82],
        seconds: 60,
    },
    Setting {
        name: "network3-two-convs",
        about: "network3.py: a second convolution, of 40 filters",
        net: "conv20-conv40-100-10",
        expanded: false,
        init: Init::FanIn,
        epochs: 20,
        eta: 0.2,
        final_eta: 0.01,
        lambda: 0.1,
        book: 99.06,
        rerun: [99.06, 99.10],
        seconds: 80,
    },
    Setting {
        name: "network3-relu",
        about: "network3.py: rectified linear units",
        net: "conv20-conv40-100-10-relu",
        expanded: false,
        init: Init::He,
        epochs: 12,
        eta: 0.08,
        final_eta: 0.001,
        lambda: 0.1,
        book: 99.23,
        rerun: [99.10, 99.17],
        seconds: 40,
    },
    Setting {
        name: "network3-expanded",
        about: "network3.py: 250,000 images, displaced by a pixel in four directions",
        net: "conv20-conv40-100-10-relu",
        expanded: true,
        init: Init::He,
        epochs: 12,
        eta: 0.08,
        final_eta: 0.001,
        lambda: 0.1,
        book: 99.37,
        rerun: [99.42, 99.46],
        seconds: 180,
    },
    Setting {
        name: "network3-extra-dense",
        about: "network3.py: a second hidden layer of 100 neurons, 250,000 images",
        net: "conv20-conv40-100-100-10-relu",
        expanded: true,
        init: Init::He,
        epochs: 12,
        eta: 0.08,
        final_eta: 0.001,
        lambda: 0.1,
        book: 99.43,
        rerun: [99.37, 99.37],
        seconds: 180,
    },
    Setting {
        name: "network3-dropout",
        about: "network3.py: two hidden layers of 1,000 neurons with dropout, 250,000 images",
        net: "conv20-conv40-1000-1000-10-dropout",
        expanded: true,
        init: Init::He,
        epochs: 30,
        eta: 0.2,
        final_eta: 0.001,
        lambda: 2.0,
        book: 99.60,
        rerun: [99.60, 99.66],
        seconds: 1000,
    },
];

pub(super) fn experiments() -> Vec<Experiment> {
    SETTINGS.iter().map(experiment).collect()
}

fn experiment(setting: &Setting) -> Experiment {
    let &Setting { name, about, net, expanded, init, epochs, eta, final_eta, lambda, book, rerun, seconds } = setting;
    let hyper = Hyper {
        epochs,
        eta,
        final_eta: Some(final_eta),
        lambda,
        regularization: Regularization::PerBatch,
        init,
        ..Hyper::default()
    };
    let training = Training {
        expanded,
        monitor: Some(Set::Validation),
        judge: Some(Set::Test),
        ..Training::new(net, "log-likelihood", hyper)
    };
    let [tested, validated] = rerun.map(Some);
    let figure = |label, rerun, curve, pick| Figure::percent(label, rerun, name, curve, pick);
    Experiment {
        name,
        chapter: "6",
        about,
        seconds,
        parts: vec![Part { name: name.into(), work: Work::Training(training) }],
        figures: vec![
            figure("test accuracy at best validation", tested, training::JUDGED_ACCURACY, Pick::Last).in_book(book),
            figure("validation accuracy, best epoch", validated, training::ACCURACY, Pick::Greatest),
        ],
        plots: vec![Plot::over_epochs(
            "",
            &format!("{net}: accuracy on the validation data"),
            "Accuracy (%)",
            vec![Line::epochs("", name, training::ACCURACY)],
        )],
        remark: REMARK,
    }
}
