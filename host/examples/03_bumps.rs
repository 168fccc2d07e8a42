//! Two steep sigmoids make a bump, and enough bumps make any function. Nothing is trained: the weights are set by hand.
//!
//! The book: chapter 4, a visual proof that neural nets can compute any function; f is its equation 113.
//!
//! `cargo run --release --example 03_bumps` (also draws bumps.svg and bumps.png)

use minnet::prelude::*;
use minnet_host::plot::{Chart, Series};
use std::path::Path;

/// The weight of every step: σ(w x - w s) rises from 0.01 to 0.99 between s - 4.6 / w and s + 4.6 / w.
const STEEP: f32 = 2_000.0;

/// Two hidden neurons for each bump; the output neuron only adds.
type Bumps<const NEURONS: usize> = Net<[f32; 1], seq![Dense<1, NEURONS, Sigmoid>, Dense<NEURONS, 1, Identity>]>;

/// The network that gives `height` between `from` and `to`, added up over all bumps `(from, to, height)`.
fn network<const NEURONS: usize>(bumps: &[(f32, f32, f32)]) -> minnet_host::error::Result<Box<Bumps<NEURONS>>> {
    let weights = [STEEP; NEURONS];
    // A step lies where w x + b = 0, so at s = -b / w.
    let biases = bumps.iter().flat_map(|(from, to, _)| [-STEEP * from, -STEEP * to]);
    // The first step of a bump goes up by its height, the second down again.
    let heights = bumps.iter().flat_map(|(_, _, height)| [*height, -height]);
    let mut values = weights.into_iter().chain(biases).chain(heights).chain([0.0]);
    let mut net = minnet_host::network::boxed()?;
    Net::visit_mut(&mut net, |_, run| run.iter_mut().zip(&mut values).for_each(|(place, value)| *place = value));
    Ok(net)
}

/// The function to imitate, for x from 0 to 1.
fn f(x: f32) -> f32 {
    0.2 + 0.4 * x * x + 0.3 * x * (15.0 * x).sin() + 0.05 * (50.0 * x).cos()
}

/// Imitates `f` by bumps of equal widths, each as high as `f` in its middle; says how well, and gives the curve.
fn imitate<const NEURONS: usize>() -> minnet_host::error::Result<Series> {
    let bumps = NEURONS / 2;
    let place = |edge: usize| edge as f32 / bumps as f32;
    // The outermost steps lie out of sight.
    let edge = |edge: usize| {
        if edge == 0 {
            -1.0
        } else if edge == bumps {
            2.0
        } else {
            place(edge)
        }
    };
    let bump = |index| (edge(index), edge(index + 1), f((place(index) + place(index + 1)) / 2.0));
    let net = network::<NEURONS>(&(0..bumps).map(bump).collect::<Vec<_>>())?;
    let g = |x: f32| net.infer(&[x], &mut [0.0; 512])[0];
    let xs = (0..1_000).map(|index| (index as f32 + 0.5) / 1_000.0);
    let error = xs.clone().map(|x| (g(x) - f(x)).abs()).sum::<f32>() / 1_000.0;
    println!("{bumps:5} bumps: |network - f| is {error:.4} in the mean");
    Ok(Series { label: format!("{bumps} bumps"), points: xs.map(|x| (x.into(), g(x).into())).collect() })
}

fn main() -> minnet_host::error::Result<()> {
    let bump = network::<2>(&[(0.4, 0.6, 0.8)])?;
    println!("A bump from 0.4 to 0.6, of height 0.8:\n");
    for x in (0..=20).map(|index| index as f32 / 20.0) {
        let y = bump.infer(&[x], &mut [0.0; 8])[0];
        println!("{x:4.2}  {y:4.2}  {}", "#".repeat((50.0 * y).round() as usize));
    }
    println!("\nf(x) = 0.2 + 0.4 x² + 0.3 x sin 15x + 0.05 cos 50x, imitated:\n");
    let [coarse, fine, _] = [imitate::<10>()?, imitate::<40>()?, imitate::<160>()?];
    let points = (0..=1_000).map(|index| index as f32 / 1_000.0).map(|x| (x.into(), f(x).into())).collect();
    let chart = Chart {
        title: "A function, and networks of bumps that imitate it".into(),
        x_label: "x".into(),
        y_label: "y".into(),
        series: vec![Series { label: "f".into(), points }, coarse, fine],
        ..Chart::default()
    };
    chart.save(Path::new("bumps")).map(|_| ())
}
