//! Chapter 2: backpropagation, by the tutorial's example. The four equations themselves are a test
//! (`tests/tests/backpropagation.rs`).

use super::figure::{Figure, Pick, Unit};
use super::plots::{Line, Plot};
use super::xor::{self, Xor};
use super::{Experiment, Part, Work};

/// What the tutorial's run printed for (0, 0), (1, 0), (0, 1) and (1, 1).
const TUTORIAL: [f64; 4] = [0.0143, 0.9888, 0.9892, 0.0124];

pub(super) fn experiments() -> Vec<Experiment> {
    let number = |label: &str, rerun, curve| Figure {
        label: label.into(),
        book: None,
        rerun,
        unit: Unit::Number,
        part: "xor".into(),
        curve,
        pick: Pick::Last,
    };
    let mut figures =
        vec![Figure { unit: Unit::Count, ..number("of 20 networks, those that solve it", None, xor::SOLVED) }];
    figures.extend(xor::OUTPUTS.iter().zip(TUTORIAL).map(|(curve, printed)| number(curve, Some(printed), *curve)));
    vec![Experiment {
        name: "xor",
        chapter: "2",
        about: "The backpropagation tutorial: a 2-2-1 network learns XOR in 1,000 steps, from 20 seeds",
        seconds: 1,
        parts: vec![Part { name: "xor".into(), work: Work::Xor(Xor { starts: 20, steps: 1_000, eta: 1.0 }) }],
        figures,
        plots: vec![Plot {
            x_label: "Step",
            ..Plot::over_epochs(
                "",
                "XOR: how many of 20 networks solve it",
                "Networks",
                vec![Line::epochs("", "xor", xor::SOLVED)],
            )
        }],
        remark: "The outputs are those of the first network that solves it. Two hidden neurons are the fewest that can, and \
                 from many starts they get stuck: the tutorial's own program, run here with NumPy's seeds 1 to 20, solves \
                 it from 11. What stands under the rerun is what the tutorial prints.",
    }]
}
