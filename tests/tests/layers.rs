//! Every layer's forward pass and gradient, every activation and every cost, against the plain reference.

use host::network::boxed;
use minnet::batch::Images;
use minnet::layer::Parameters;
use minnet::module::Module;
use minnet::prelude::{
    AvgPool2, Conv, Conv5x5, Cost, CrossEntropy, Dense, Dropout, Flat, Flatten, GlobalAvgPool, Identity, Init,
    LogLikelihood, MaxPool2, Net, NoPool, Quadratic, Relu, Same, Serial, Sgd, Sigmoid, Softmax, Stride, Tanh, Tensor,
    seq,
};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use tests::reference::{self, Activation, Image, Layer, Pool};

/// A number from -1 to 1; every fourth one is 0, as most pixels are.
fn number(rng: &mut XorShiftRng) -> f32 {
    let number = (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
    if rng.next_u32().is_multiple_of(4) { 0.0 } else { number }
}

/// Checks outputs and gradients of the network `$layers` on `$input`, with the images' height, width and channels.
macro_rules! check {
    ($name:ident: $input:ty, $shape:expr, $layers:ty, $cost:ty, $reference_cost:expr, $reference:expr) => {
        #[test]
        fn $name() {
            check::<$input, $layers, $cost>($shape, &$reference, $reference_cost);
        }
    };
}

fn check<In: Tensor, L: minnet::layer::Layer<In>, C: Cost<L::Activation>>(
    (h, w, c): (usize, usize, usize),
    layers: &[Layer],
    cost: reference::Cost,
) {
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut net = boxed::<In, L>().unwrap();
    net.initialize(Init::FanIn, &mut rng);
    let mut parameters = Vec::new();
    net.visit(|_, run| parameters.extend(run.iter().map(|&value| f64::from(value))));

    let mut memory = vec![0.0; 3 * Net::<In, L>::SAMPLE];
    let mut batch = Net::<In, L>::batch(&mut memory);
    let (mut images, mut targets) = (Vec::new(), Vec::new());
    for index in 0..batch.len() {
        batch.input(index).fill_with(|| number(&mut rng));
        let target = batch.target(index);
        target[index % target.len()] = 1.0;
        targets.push(target.iter().map(|&y| f64::from(y)).collect::<Vec<_>>());
        let values = batch.input(index).iter().map(|&x| f64::from(x)).collect();
        images.push(Image { h, w, c, values });
    }

    // Inference.
    let inputs: Vec<Vec<f32>> = (0..batch.len()).map(|index| batch.input(index).to_vec()).collect();
    let mut ram = vec![f32::NAN; Net::<In, L>::RAM];
    let mut alone = |input: &[f32]| {
        let fill = |place: &mut In| place.flat_mut().copy_from_slice(input);
        net.infer_with(fill, &mut ram, &Serial).unwrap().flat().to_vec()
    };
    for (input, image) in inputs.iter().zip(&images) {
        for (value, expected) in alone(input).into_iter().zip(reference::forward(layers, &parameters, image, None)) {
            assert!((f64::from(value) - expected).abs() < 1e-5, "inference gives {value} instead of {expected}");
        }
    }

    // Several images at a time have the same bits as one by one.
    let mut memory = vec![f32::NAN; 40 * Net::<In, L>::RAM];
    let places = memory.chunks_exact_mut(Net::<In, L>::RAM);
    places.zip(inputs.iter().cycle()).for_each(|(place, input)| place[..input.len()].copy_from_slice(input));
    let at = Module::infer(&*net, Images::new(&mut memory, Net::<In, L>::RAM), &Serial);
    for (place, input) in memory.chunks_exact(Net::<In, L>::RAM).zip(inputs.iter().cycle()) {
        assert_eq!(place[at..at + L::Out::LEN], alone(input));
    }

    // The outputs in training, with the random states that the batch was given.
    let mut gradient = boxed::<In, L>().unwrap();
    let mut states = rng.clone();
    let states: Vec<u64> = images.iter().map(|_| states.next_u64()).collect();
    net.gradient::<C>(&mut batch, &mut gradient, &mut rng, &Serial);
    let outputs = |parameters: &[f64]| -> Vec<Vec<f64>> {
        let one = |(image, &state)| reference::forward(layers, parameters, image, Some(state));
        images.iter().zip(&states).map(one).collect()
    };
    for (index, expected) in outputs(&parameters).into_iter().enumerate() {
        for (value, expected) in batch.output(index).iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-5, "training gives {value} instead of {expected}");
        }
    }

    // The gradients, by central differences.
    let mean_cost = |parameters: &[f64]| -> f64 {
        let costs = outputs(parameters).into_iter().zip(&targets).map(|(a, y)| reference::cost(cost, &a, y));
        costs.sum::<f64>() / images.len() as f64
    };
    let mut gradients = Vec::new();
    gradient.visit(|_, run| gradients.extend_from_slice(run));
    assert!(gradients.iter().any(|&value| value != 0.0));
    const STEP: f64 = 1e-6;
    for (index, &gradient) in gradients.iter().enumerate() {
        let mut moved = parameters.clone();
        moved[index] += STEP;
        let above = mean_cost(&moved);
        moved[index] -= 2.0 * STEP;
        let expected = (above - mean_cost(&moved)) / (2.0 * STEP);
        let error = (f64::from(gradient) - expected).abs();
        assert!(error < 1e-6 + 1e-4 * expected.abs(), "gradient {index} is {gradient} instead of {expected}");
    }
}

const fn dense(outputs: usize, activation: Activation) -> Layer {
    Layer::Dense { outputs, activation }
}

/// Filters of 5x5 that stay inside the image.
const fn conv5x5(filters: usize, pool: Pool, activation: Activation) -> Layer {
    conv((5, 5), filters, (1, false), pool, activation)
}

/// Filters of these rows and columns, with a stride, and zeros around the image or not.
const fn conv(
    filter: (usize, usize),
    filters: usize,
    (stride, same): (usize, bool),
    pool: Pool,
    activation: Activation,
) -> Layer {
    Layer::Conv(reference::Conv { filter, filters, stride, same, pool, activation })
}

type Pixels<const C: usize> = [[[f32; C]; 12]; 12];

/// Flattens what is not square.
struct Signal;

impl Flat<[[[f32; 3]; 4]; 1]> for Signal {
    type Vector = [f32; 12];
}

check!(sigmoid_and_quadratic: [f32; 9], (1, 1, 9), seq![Dense<9, 7, Sigmoid>, Dense<7, 4, Sigmoid>],
    Quadratic, reference::Cost::Quadratic, [dense(7, Activation::Sigmoid), dense(4, Activation::Sigmoid)]);
check!(sigmoid_and_cross_entropy: [f32; 9], (1, 1, 9), seq![Dense<9, 7, Sigmoid>, Dense<7, 4, Sigmoid>],
    CrossEntropy, reference::Cost::CrossEntropy, [dense(7, Activation::Sigmoid), dense(4, Activation::Sigmoid)]);
check!(tanh_and_log_likelihood: [f32; 9], (1, 1, 9), seq![Dense<9, 7, Tanh>, Dense<7, 4, Softmax>],
    LogLikelihood, reference::Cost::LogLikelihood, [dense(7, Activation::Tanh), dense(4, Activation::Softmax)]);
check!(relu_and_quadratic_softmax: [f32; 35], (1, 1, 35), seq![Dense<35, 37, Relu>, Dense<37, 4, Softmax>],
    Quadratic, reference::Cost::Quadratic, [dense(37, Activation::Relu), dense(4, Activation::Softmax)]);
check!(softmax_inside: [f32; 9], (1, 1, 9), seq![Dense<9, 7, Softmax>, Dense<7, 4, Identity>],
    Quadratic, reference::Cost::Quadratic, [dense(7, Activation::Softmax), dense(4, Activation::Identity)]);
check!(no_hidden_layer: [f32; 5], (1, 1, 5), Dense<5, 3, Sigmoid>,
    CrossEntropy, reference::Cost::CrossEntropy, [dense(3, Activation::Sigmoid)]);
check!(a_hidden_layer_of_no_neurons: [f32; 5], (1, 1, 5), seq![Dense<5, 0, Sigmoid>, Dense<0, 3, Sigmoid>],
    CrossEntropy, reference::Cost::CrossEntropy, [dense(0, Activation::Sigmoid), dense(3, Activation::Sigmoid)]);
check!(dropout_of_half: [f32; 20], (1, 1, 20), seq![Dropout<50>, Dense<20, 8, Sigmoid>, Dropout<30>, Dense<8, 3, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood, [
    Layer::Dropout { percent: 50 }, dense(8, Activation::Sigmoid),
    Layer::Dropout { percent: 30 }, dense(3, Activation::Softmax),
]);
check!(convolution_and_pooling: Pixels<1>, (12, 12, 1),
    seq![Conv5x5<1, 3, MaxPool2, Sigmoid>, Flatten, Dense<48, 4, Softmax>],
    LogLikelihood, reference::Cost::LogLikelihood,
    [conv5x5(3, Pool::Greatest, Activation::Sigmoid), Layer::Flatten, dense(4, Activation::Softmax)]);
check!(convolution_without_pooling: Pixels<2>, (12, 12, 2),
    seq![Conv5x5<2, 3, NoPool, Tanh>, Flatten, Dense<192, 4, Softmax>],
    LogLikelihood, reference::Cost::LogLikelihood,
    [conv5x5(3, Pool::None, Activation::Tanh), Layer::Flatten, dense(4, Activation::Softmax)]);
check!(two_convolutions: Pixels<2>, (12, 12, 2),
seq![Conv5x5<2, 5, NoPool, Relu>, Conv5x5<5, 4, MaxPool2, Identity>, Flatten, Dense<16, 4, Sigmoid>],
CrossEntropy, reference::Cost::CrossEntropy, [
    conv5x5(5, Pool::None, Activation::Relu), conv5x5(4, Pool::Greatest, Activation::Identity),
    Layer::Flatten, dense(4, Activation::Sigmoid),
]);
check!(filters_of_3x3: [[[f32; 2]; 7]; 7], (7, 7, 2),
    seq![Conv<3, 3, 2, 3, NoPool, Sigmoid>, Flatten, Dense<75, 4, Softmax>],
    LogLikelihood, reference::Cost::LogLikelihood,
    [conv((3, 3), 3, (1, false), Pool::None, Activation::Sigmoid), Layer::Flatten, dense(4, Activation::Softmax)]);
check!(filters_of_7x7_with_a_stride: Pixels<2>, (12, 12, 2),
    seq![Conv<7, 7, 2, 3, NoPool, Tanh, Stride<2>>, Flatten, Dense<27, 4, Softmax>],
    LogLikelihood, reference::Cost::LogLikelihood,
    [conv((7, 7), 3, (2, false), Pool::None, Activation::Tanh), Layer::Flatten, dense(4, Activation::Softmax)]);
check!(filters_of_1x1: [[[f32; 5]; 4]; 4], (4, 4, 5),
    seq![Conv<1, 1, 5, 3, MaxPool2, Tanh>, Flatten, Dense<12, 4, Sigmoid>],
    CrossEntropy, reference::Cost::CrossEntropy,
    [conv((1, 1), 3, (1, false), Pool::Greatest, Activation::Tanh), Layer::Flatten, dense(4, Activation::Sigmoid)]);
check!(zeros_around_the_image: [[[f32; 2]; 5]; 5], (5, 5, 2),
seq![Conv<3, 3, 2, 3, NoPool, Relu, Same>, Conv<4, 2, 3, 2, NoPool, Sigmoid, Same>, Flatten, Dense<50, 4, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood, [
    conv((3, 3), 3, (1, true), Pool::None, Activation::Relu), conv((4, 2), 2, (1, true), Pool::None, Activation::Sigmoid),
    Layer::Flatten, dense(4, Activation::Softmax),
]);
check!(zeros_and_a_stride: [[[f32; 2]; 9]; 7], (7, 9, 2),
seq![
    Conv<3, 5, 2, 4, NoPool, Tanh, Stride<3, Same>>, Conv<3, 3, 4, 2, NoPool, Identity, Stride<2, Same>>,
    Flatten, Dense<8, 4, Sigmoid>,
],
Quadratic, reference::Cost::Quadratic, [
    conv((3, 5), 4, (3, true), Pool::None, Activation::Tanh),
    conv((3, 3), 2, (2, true), Pool::None, Activation::Identity),
    Layer::Flatten, dense(4, Activation::Sigmoid),
]);
check!(dropout_before_zeros: [[[f32; 3]; 6]; 6], (6, 6, 3),
seq![Dropout<30>, Conv<3, 3, 3, 4, MaxPool2, Sigmoid, Same>, Dropout<50>, Flatten, Dense<36, 4, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood, [
    Layer::Dropout { percent: 30 }, conv((3, 3), 4, (1, true), Pool::Greatest, Activation::Sigmoid),
    Layer::Dropout { percent: 50 }, Layer::Flatten, dense(4, Activation::Softmax),
]);
check!(average_pooling: [[[f32; 1]; 8]; 8], (8, 8, 1),
seq![Conv<3, 3, 1, 3, AvgPool2, Sigmoid>, Conv<2, 2, 3, 2, AvgPool2, Tanh>, Flatten, Dense<2, 4, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood, [
    conv((3, 3), 3, (1, false), Pool::Mean, Activation::Sigmoid), conv((2, 2), 2, (1, false), Pool::Mean, Activation::Tanh),
    Layer::Flatten, dense(4, Activation::Softmax),
]);
check!(average_pooling_and_a_stride: [[[f32; 1]; 11]; 9], (9, 11, 1),
seq![Conv<3, 5, 1, 3, AvgPool2, Relu, Stride<2>>, Flatten, Dense<12, 4, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood,
[conv((3, 5), 3, (2, false), Pool::Mean, Activation::Relu), Layer::Flatten, dense(4, Activation::Softmax)]);
check!(a_signal: [[[f32; 3]; 20]; 1], (1, 20, 3),
seq![Conv<1, 5, 3, 4, MaxPool2, Relu>, Conv<1, 3, 4, 3, AvgPool2, Tanh, Same>, Flatten<Signal>, Dense<12, 4, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood, [
    conv((1, 5), 4, (1, false), Pool::Greatest, Activation::Relu), conv((1, 3), 3, (1, true), Pool::Mean, Activation::Tanh),
    Layer::Flatten, dense(4, Activation::Softmax),
]);
check!(a_signal_in_a_column: [[[f32; 3]; 1]; 20], (20, 1, 3),
seq![Conv<5, 1, 3, 4, MaxPool2, Relu>, Conv<3, 1, 4, 3, AvgPool2, Tanh, Same>, GlobalAvgPool, Dense<3, 4, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood, [
    conv((5, 1), 4, (1, false), Pool::Greatest, Activation::Relu), conv((3, 1), 3, (1, true), Pool::Mean, Activation::Tanh),
    Layer::GlobalAvgPool, dense(4, Activation::Softmax),
]);
check!(global_average_pooling: [[[f32; 1]; 11]; 9], (9, 11, 1),
seq![Conv<3, 3, 1, 6, NoPool, Relu, Stride<2>>, GlobalAvgPool, Dense<6, 4, Softmax>],
LogLikelihood, reference::Cost::LogLikelihood,
[conv((3, 3), 6, (2, false), Pool::None, Activation::Relu), Layer::GlobalAvgPool, dense(4, Activation::Softmax)]);
check!(global_average_pooling_last: [[[f32; 3]; 5]; 4], (4, 5, 3), seq![Conv<2, 2, 3, 4, NoPool, Tanh>, GlobalAvgPool],
    Quadratic, reference::Cost::Quadratic,
    [conv((2, 2), 4, (1, false), Pool::None, Activation::Tanh), Layer::GlobalAvgPool]);

/// w = 2, b = 0.5, x = 1 and y = 0 with the quadratic cost: a = 2.5, so ∂C/∂w = ∂C/∂b = 2.5.
#[test]
fn l2_by_hand() {
    let mut net = boxed::<[f32; 1], Dense<1, 1>>().unwrap();
    let mut values = [2.0, 0.5].into_iter();
    net.visit_mut(|_, run| run[0] = values.next().unwrap());
    let mut memory = [0.0; Net::<[f32; 1], Dense<1, 1>>::SAMPLE];
    let mut batch = Net::<[f32; 1], Dense<1, 1>>::batch(&mut memory);
    batch.input(0)[0] = 1.0;
    // η = 0.5, λ = 4, n = 8: the weight decays by 1 - 0.5·4/8 = 0.75, the bias does not.
    let sgd = Sgd::new(0.5, 1).with_l2(0.5, 4.0, 8);
    net.train::<Quadratic>(&mut batch, &sgd, &mut XorShiftRng::seed_from_u64(1), &Serial);
    let mut after = Vec::new();
    net.visit(|_, run| after.push(run[0]));
    assert_eq!(after, [2.0 * 0.75 - 0.5 * 2.5, 0.5 - 0.5 * 2.5]);
}

/// About 30 of 100 inputs fall in training, the others stay as they are; in inference all are multiplied by 0.7.
#[test]
fn dropout_by_hand() {
    type Layers = seq![Dropout<30>, Dense<1000, 1>];
    let mut net = boxed::<[f32; 1000], Layers>().unwrap();
    net.visit_mut(|kind, run| run.fill(if kind == Parameters::Weights { 1.0 } else { 0.0 }));
    let mut memory = [0.0; Net::<[f32; 1000], Layers>::SAMPLE];
    let mut batch = Net::<[f32; 1000], Layers>::batch(&mut memory);
    batch.input(0).fill(2.0);
    let mut gradient = boxed::<[f32; 1000], Layers>().unwrap();
    net.gradient::<Quadratic>(&mut batch, &mut gradient, &mut XorShiftRng::seed_from_u64(3), &Serial);
    let stayed = batch.output(0)[0] / 2.0;
    // 700 are expected, with a standard deviation of 14.5.
    assert!((stayed - 700.0).abs() < 60.0, "{stayed} of 1000 stayed");
    // A weight learns only from an input that stayed: δ = a - 0, so its gradient is 2a or 0.
    let mut learning = 0;
    gradient.visit(|_, run| learning = learning.max(run.iter().filter(|&&value| value != 0.0).count()));
    assert_eq!(learning as f32, stayed);
    let output = net.infer(&[2.0; 1000], &mut [0.0; 1001]);
    assert!((output[0] - 1400.0).abs() < 0.1, "inference gives {} instead of 1400", output[0]);
}
