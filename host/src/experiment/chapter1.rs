//! Chapter 1: `network.py`, and the baselines that it is compared with.

use super::figure::{Figure, Pick};
use super::svm::{self, Svm};
use super::training::{Set, Training};
use super::{Experiment, Part, Work, darkness};
use crate::train::Hyper;
use minnet::prelude::Init;

/// Of 10,000 test images, those that the rerun of 784-30-10 classified rightly after each epoch.
const RERUN_30: [f64; 30] = [
    8984., 9213., 9262., 9343., 9375., 9384., 9435., 9421., 9451., 9465., 9457., 9437., 9486., 9495., 9489., 9513.,
    9466., 9486., 9504., 9499., 9517., 9490., 9508., 9505., 9520., 9522., 9509., 9531., 9502., 9508.,
];

/// As [`RERUN_30`], of 784-100-10: most of its output neurons learned, and two stayed saturated.
const RERUN_100: [f64; 30] = [
    5880., 5941., 5967., 6063., 6898., 7635., 7706., 7752., 7762., 7766., 7794., 7787., 7783., 7791., 7804., 7802.,
    7815., 7827., 7813., 7819., 7814., 7805., 7825., 7815., 7820., 7822., 7821., 7823., 7824., 7820.,
];

/// As [`RERUN_30`], of 784-0-10, whose output depends on no pixel.
const RERUN_0: [f64; 30] = [
    1010., 974., 1032., 1135., 1009., 1135., 1135., 1135., 980., 1032., 1009., 1135., 1135., 980., 1135., 1009., 1032.,
    980., 1135., 1010., 1135., 1135., 1135., 1009., 1135., 1135., 1135., 1135., 1032., 1135.,
];

pub(super) fn experiments() -> Vec<Experiment> {
    vec![
        network("network-30", "784-30-10", "network.py: 30 hidden neurons, quadratic cost", Some(95.42), RERUN_30, ""),
        network(
            "network-100",
            "784-100-10",
            "network.py: 100 hidden neurons, quadratic cost",
            Some(96.59),
            RERUN_100,
            "With large weights and the quadratic cost an output neuron may start saturated at the wrong end, where its \
             gradient vanishes; it then answers to no digit, and about a thousand test images are lost for each such \
             neuron. In the rerun two were, in the book's run none. How many are is a matter of the seed: see the spread.",
        ),
        network(
            "network-0",
            "784-0-10",
            "network.py: a hidden layer of no neurons, which learns nothing",
            None,
            RERUN_0,
            "Only the biases of the outputs are left, so that every image gets the same answer: the class that the last \
             mini-batches favoured. Its share of the test images, 9 to 11 %, is the accuracy.",
        ),
        Experiment {
            name: "darkness",
            chapter: "1",
            about: "mnist_average_darkness.py: guessing digits by how dark they are",
            seconds: 1,
            parts: vec![Part { name: "darkness".into(), work: Work::Darkness }],
            figures: vec![
                Figure::percent("test accuracy", Some(22.25), "darkness", darkness::ACCURACY, Pick::Last)
                    .in_book(22.25),
            ],
            plots: Vec::new(),
            remark: "",
        },
        Experiment {
            name: "svm",
            chapter: "1",
            about: "mnist_svm.py: a support vector machine with scikit-learn's defaults",
            seconds: 300,
            parts: vec![Part { name: "svm-50000".into(), work: Work::Svm(Svm { images: 50_000 }) }],
            figures: vec![
                Figure::percent("test accuracy", Some(97.85), "svm-50000", svm::TEST_ACCURACY, Pick::Last)
                    .in_book(94.35),
            ],
            plots: Vec::new(),
            remark: "The machines are LIBSVM's, as scikit-learn's are, in the library libsvm-rs; the 45 of them are \
                     trained on all threads. The book's are of an older scikit-learn, whose default for γ was another.",
        },
    ]
}

/// `network.py` with a network: mini-batches of 10, η = 3.0, 30 epochs.
fn network(
    name: &'static str,
    net: &'static str,
    about: &'static str,
    book: Option<f64>,
    rerun: [f64; 30],
    remark: &'static str,
) -> Experiment {
    let hyper = Hyper { epochs: 30, eta: 3.0, init: Init::Large, ..Hyper::default() };
    let training = Training { monitor: Some(Set::Test), ..Training::new(net, "quadratic", hyper) };
    let title = format!("network.py, {net}: accuracy on the test data");
    Experiment { about, seconds: 6, remark, ..Experiment::beside_rerun(name, "1", training, &title, book, rerun) }
}
