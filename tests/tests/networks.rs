//! Random network texts against plain loops, bit for bit: trained and asked as lists, with every width of vectors and up
//! to three threads. Some of them stand here as types, too, and give their lists' bits, in floats and in integers.

use device::shapes::{self, Averaged, Dropped, Flattened, IMAGES, Strided, Unpooled};
use host::architecture::Architecture;
use host::executor::{Threads, Vectors};
use minnet::batch::{Batch, Images};
use minnet::cost::CostFunction;
use minnet::layer::Parameters;
use minnet::list::{self, List};
use minnet::module::{self, Module};
use minnet::op::Op;
use minnet::prelude::*;
use minnet::quant::{
    self, Calibration, Input, Int2, Int3, Int4, Int8, QuantLayer, Quantized, QuantizedList, Ternary, Weights,
};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use std::sync::LazyLock;
use tests::twin::{Image, Twin};

/// Texts that are tried.
const TEXTS: u64 = 240;

/// Every width of vectors that this machine has, with one thread to three.
static EXECUTORS: LazyLock<Vec<Threads>> = LazyLock::new(|| {
    let all = [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512];
    let widths = all.into_iter().filter(|vectors| *vectors <= Vectors::detect());
    widths.flat_map(|vectors| (1..=3).map(move |threads| Threads::new(threads, vectors).unwrap())).collect()
});

/// Choices by a random number.
struct Dice(XorShiftRng);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0.next_u32() as usize % count
    }

    fn range(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most + 1 - least)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// From -1 to 1; one in four is 0.
    fn value(&mut self) -> f32 {
        let number = self.0.next_u32();
        if number.is_multiple_of(4) { 0.0 } else { (number >> 8) as f32 / (1 << 23) as f32 - 1.0 }
    }

    fn images(&mut self, count: usize, inputs: usize, outputs: usize) -> Vec<Image> {
        let image = |_| {
            let class = self.below(outputs.max(1));
            let target = (0..outputs).map(|index| f32::from(index == class)).collect();
            Image { input: (0..inputs).map(|_| self.value()).collect(), target }
        };
        (0..count).map(image).collect()
    }
}

/// Activations that work on each value alone.
const ELEMENTWISE: &[&str] = &["", " sigmoid", " tanh", " relu", " fast-sigmoid", " fast-tanh"];

/// A convolution's text, if its filters fit into the image; `image` becomes what is left of it.
fn conv(dice: &mut Dice, image: &mut [usize; 3]) -> Option<String> {
    let [height, width, channels] = image;
    let is_same = dice.below(2) == 0;
    let [rows, columns] = [*height, *width].map(|side| match side {
        1 => 1,
        _ if is_same => dice.range(1, 7),
        _ => dice.range(1, side.min(7)),
    });
    // One in four has the book's filters.
    let (rows, columns) = if dice.below(4) == 0 { (5, 5) } else { (rows, columns) };
    if !is_same && (rows > *height || columns > *width) {
        return None;
    }
    let stride = dice.one_of(&[1, 1, 1, 2, 3]);
    let filters = if dice.below(4) == 0 { dice.range(10, 18) } else { dice.range(1, 9) };
    let mut text = format!("conv{rows}x{columns} {filters}");
    if stride > 1 {
        text += &format!(" stride {stride}");
    }
    if is_same {
        text += " same";
    }
    let positions = |side: usize, filter| (if is_same { side - 1 } else { side - filter }) / stride + 1;
    (*height, *width, *channels) = (positions(*height, rows), positions(*width, columns), filters);
    let can_pool = [*height, *width].iter().all(|side| *side == 1 || side.is_multiple_of(2));
    let pooling = if can_pool { dice.one_of(&["", " maxpool2", " avgpool2"]) } else { "" };
    if !pooling.is_empty() {
        (*height, *width) = (height.div_ceil(2), width.div_ceil(2));
    }
    Some(text + pooling + dice.one_of(ELEMENTWISE))
}

/// A network's text: a layer with weights at least, and of few enough multiplications for plain loops.
fn text(dice: &mut Dice) -> String {
    const EVERY: &[&str] = &["", " sigmoid", " tanh", " relu", " softmax", " fast-sigmoid", " fast-tanh"];
    let mut layers = Vec::new();
    let input;
    let mut has_weights = false;
    let mut values;
    if dice.below(3) > 0 {
        let (height, width) = match dice.below(6) {
            0 => (1, dice.range(1, 40)),
            1 => (dice.range(1, 40), 1),
            2 => [dice.range(5, 14); 2].into(),
            _ => (dice.range(1, 14), dice.range(1, 14)),
        };
        let mut image = [height, width, dice.range(1, 9)];
        input = image.map(|size| size.to_string()).join("x");
        while layers.len() < 4 && dice.below(4) > 0 {
            if dice.below(5) == 0 {
                layers.push(format!("dropout {}", dice.range(1, 80)));
            }
            if let Some(conv) = conv(dice, &mut image) {
                layers.push(conv);
                has_weights = true;
            }
        }
        let [height, width, channels] = image;
        if has_weights && dice.below(6) == 0 {
            return format!("{input}: {}", layers.join(", "));
        }
        let is_mean = dice.below(3) == 0;
        layers.push(if is_mean { "globalavgpool" } else { "flatten" }.into());
        if has_weights && dice.below(8) == 0 {
            return format!("{input}: {}", layers.join(", "));
        }
        values = if is_mean { channels } else { height * width * channels };
    } else {
        values = dice.one_of(&[1, 2, 3, 7, 16, 33, 64, 100, 257]);
        input = values.to_string();
    }
    for _ in 0..dice.range(1, 3) {
        if dice.below(3) == 0 {
            layers.push(format!("dropout {}", dice.range(1, 99)));
        }
        // One in many has so many weights that threads share the layer by these.
        let wide = values > 60 && dice.below(12) == 0;
        let outputs = if wide { 36_000 / values } else { dice.one_of(&[1, 2, 3, 5, 8, 10, 17, 30, 49]) };
        values = outputs;
        layers.push(format!("dense {outputs}{}", dice.one_of(EVERY)));
    }
    format!("{input}: {}", layers.join(", "))
}

/// The costs that a list can be trained with.
fn costs(ops: &[Op]) -> Vec<CostFunction> {
    let last = ops.last().unwrap().activation();
    CostFunction::ALL.iter().copied().filter(|cost| cost.fits(last)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn parameters(net: &impl Module) -> Vec<f32> {
    let mut all = Vec::new();
    net.visit(&mut |_: Parameters, run: &[f32]| all.extend_from_slice(run));
    all
}

/// What a network is trained with.
struct Course {
    start: Vec<f32>,
    cost: CostFunction,
    batches: Vec<Vec<Image>>,
    eta: f32,
    lambda: f32,
}

impl Course {
    fn new(ops: &[Op], cost: CostFunction, most: usize, dice: &mut Dice) -> Self {
        let mut list = List::new(ops, vec![0.0; list::parameters(ops)]).unwrap();
        let init = dice.one_of(&[Init::FanIn, Init::He, Init::Network3]);
        list.initialize(init, &mut dice.0);
        let (inputs, outputs) = (ops[0].inputs(), ops.last().unwrap().outputs());
        let size = if dice.below(10) == 0 { most } else { dice.range(1, most.min(12)) };
        let batches = (0..dice.range(2, 3)).map(|_| dice.images(size, inputs, outputs)).collect();
        Self { start: list.parameters().to_vec(), cost, batches, eta: 0.1, lambda: dice.one_of(&[0.0, 0.0, 2.0]) }
    }

    fn sgd(&self, images: usize) -> Sgd {
        Sgd::new(self.eta, images).with_l2(self.eta, self.lambda, 50)
    }

    /// The parameters and the last batch's outputs, by plain loops.
    fn by_loops(&self, ops: &[Op]) -> (Twin, Vec<f32>) {
        let mut twin = Twin { ops: ops.to_vec(), parameters: self.start.clone() };
        let (mut rng, mut outputs) = (XorShiftRng::seed_from_u64(9), Vec::new());
        for images in &self.batches {
            let states: Vec<u64> = images.iter().map(|_| rng.next_u64()).collect();
            outputs = twin.train(self.cost, images, &states, &self.sgd(images.len()));
        }
        (twin, outputs.concat())
    }

    /// The same of a network, whose parameters are the start.
    fn by_core(&self, net: &mut impl Module, executor: &impl Executor) -> (Vec<f32>, Vec<f32>) {
        let (layout, activation) = (net.layout(), net.activation());
        let (mut rng, mut outputs) = (XorShiftRng::seed_from_u64(9), Vec::new());
        for images in &self.batches {
            let mut memory = vec![f32::NAN; images.len() * layout.stride()];
            let mut batch = Batch::new(&mut memory, layout);
            for (index, image) in images.iter().enumerate() {
                batch.input(index).copy_from_slice(&image.input);
                batch.target(index).copy_from_slice(&image.target);
            }
            let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| self.cost.delta(activation, a, y, delta);
            module::train(net, &delta, &mut batch, &self.sgd(images.len()), &mut rng, executor);
            outputs = (0..batch.len()).flat_map(|image| batch.output(image).to_vec()).collect();
        }
        (parameters(net), outputs)
    }
}

/// The outputs of inference for some images at a time.
fn infer(net: &impl Module, images: &[Image], executor: &impl Executor) -> Vec<f32> {
    let (ram, outputs) = (net.ram(), net.layout().outputs);
    let mut memory = vec![f32::NAN; images.len() * ram];
    for (place, image) in memory.chunks_exact_mut(ram).zip(images) {
        place[..image.input.len()].copy_from_slice(&image.input);
    }
    let at = net.infer(Images::new(&mut memory, ram), executor);
    memory.chunks_exact(ram).flat_map(|place| place[at..at + outputs].to_vec()).collect()
}

#[test]
fn lists_of_random_texts_give_the_bits_of_plain_loops() {
    let (mut batches, mut large, mut texts) = (Vec::new(), 0, Vec::new());
    for number in 0..TEXTS {
        let mut dice = Dice(XorShiftRng::seed_from_u64(number));
        let text = text(&mut dice);
        let architecture = Architecture::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(architecture.to_string(), text);
        let ops = architecture.layers();
        let macs = architecture.macs().max(1);
        let cost = dice.one_of(&costs(ops));
        let course = Course::new(ops, cost, (800_000 / macs).clamp(2, 130), &mut dice);
        batches.push(course.batches[0].len());
        let (twin, outputs) = course.by_loops(ops);
        assert!(twin.parameters.iter().all(|value| value.is_finite()), "{text} diverges");
        let asked = &course.batches[0][..course.batches[0].len().min(7)];
        let inferred: Vec<f32> = asked.iter().flat_map(|image| twin.infer(&image.input)).collect();
        let mut is_large = false;
        for executor in &*EXECUTORS {
            let mut list = List::new(ops, course.start.clone()).unwrap();
            is_large = list.is_large();
            let found = executor.run(|| course.by_core(&mut list, executor));
            let what = format!(
                "{text}\n{cost:?}, {} images, {:?} with {} threads",
                asked.len(),
                executor.vectors(),
                executor.threads()
            );
            assert!(bits(&found.1) == bits(&outputs), "training outputs of {what}");
            assert!(bits(&found.0) == bits(&twin.parameters), "parameters of {what}");
            let found = executor.run(|| infer(&list, asked, executor));
            assert!(bits(&found) == bits(&inferred), "inference of {what}");
            let found = executor.run(|| infer(&list, &asked[..1], executor));
            assert!(bits(&found) == bits(&inferred[..found.len()]), "inference of one image of {what}");
        }
        large += usize::from(is_large);
        texts.push(text);
    }
    // What the texts are to try, they try.
    assert!(large >= 3, "{large} networks have a large layer");
    assert!(batches.contains(&1) && batches.contains(&130), "mini-batches of {batches:?}");
    let words = [": conv", "conv5x5", "conv1x", "x1 ", "conv7x", "x7 ", " stride 2", " stride 3", " same", " maxpool2"];
    for word in [&words[..], &[" avgpool2", "globalavgpool", "flatten", "dropout", ": dense"]].concat() {
        let count = texts.iter().filter(|text| text.contains(word)).count();
        assert!(count >= 8, "{count} texts have `{word}`");
    }
}

/// A type, the list of its text, and plain loops.
fn check<In: Tensor, L: Layer<In>, C: Cost<L::Activation>>() {
    let architecture = Architecture::parse(Net::<In, L>::ARCHITECTURE.as_str()).unwrap();
    let ops = architecture.layers();
    let mut dice = Dice(XorShiftRng::seed_from_u64(77));
    let course = Course::new(ops, C::FUNCTION, 20, &mut dice);
    let (twin, outputs) = course.by_loops(ops);
    let asked = &course.batches[0];
    let inferred: Vec<f32> = asked.iter().flat_map(|image| twin.infer(&image.input)).collect();

    for executor in &*EXECUTORS {
        let mut net: Box<Net<In, L>> = host::network::boxed().unwrap();
        let mut rest = &course.start[..];
        net.visit_mut(|_, run| {
            let (own, others) = rest.split_at(run.len());
            run.copy_from_slice(own);
            rest = others;
        });
        let found = executor.run(|| course.by_core(&mut *net, executor));
        assert_eq!(bits(&found.0), bits(&twin.parameters), "parameters of {}", Net::<In, L>::ARCHITECTURE.as_str());
        assert_eq!(bits(&found.1), bits(&outputs), "outputs of {}", Net::<In, L>::ARCHITECTURE.as_str());
        assert_eq!(bits(&executor.run(|| infer(&*net, asked, executor))), bits(&inferred));
        let mut list = List::new(ops, course.start.clone()).unwrap();
        assert_eq!((list.ram(), list.layout()), (net.ram(), net.layout()));
        assert_eq!(bits(&executor.run(|| course.by_core(&mut list, executor)).0), bits(&found.0));
        assert_eq!(bits(&executor.run(|| infer(&list, asked, executor))), bits(&inferred));
    }
}

/// The integers of a type and of its list.
fn check_integers<In: Tensor, L: QuantLayer<In>>() {
    check_width::<In, L, Int8>();
    check_width::<In, L, Int4>();
    check_width::<In, L, Int3>();
    check_width::<In, L, Int2>();
    check_width::<In, L, Ternary>();
}

fn check_width<In: Tensor, L: QuantLayer<In>, W: Weights>() {
    let architecture = Architecture::parse(Net::<In, L>::ARCHITECTURE.as_str()).unwrap();
    let ops = architecture.layers();
    let mut dice = Dice(XorShiftRng::seed_from_u64(78));
    let mut list = List::new(ops, vec![0.0; list::parameters(ops)]).unwrap();
    list.initialize(Init::FanIn, &mut dice.0);
    let mut words = vec![[0; 4]; quant::words(ops, W::WIDTH)];
    let calibration = Calibration { input: Input::PIXELS, greatest: &vec![2.0; ops.len()] };
    quant::build(ops, list.parameters(), calibration, W::WIDTH, &mut words).unwrap();
    let net = Quantized::<Net<In, L>, W>::new(words.as_flattened()).unwrap();
    let list = QuantizedList::new(ops, W::WIDTH, words.as_flattened()).unwrap();
    assert_eq!(quant::ram_words(ops, W::WIDTH), Quantized::<Net<In, L>, W>::RAM);
    for _ in 0..20 {
        let pixels: Vec<u8> = (0..In::LEN).map(|_| dice.below(256) as u8).collect();
        let (mut first, mut second) =
            (vec![7; quant::ram_words(ops, W::WIDTH)], vec![9; quant::ram_words(ops, W::WIDTH)]);
        let logits = net.infer_pixels_with(&pixels, &mut first);
        assert_eq!(logits.len(), L::Out::LEN);
        assert_eq!(logits, list.infer_pixels_with(&pixels, &mut second), "{}", architecture.inputs());
    }
}

type Pixels<const SIDE: usize, const C: usize> = [[[f32; C]; SIDE]; SIDE];

/// `type` with a cost, and `integers` of those that have an integer form.
macro_rules! types {
    ($($name:ident: $input:ty, $layers:ty, $cost:ty $(, $integers:ident)?;)*) => {$(
        #[test]
        fn $name() {
            check::<$input, $layers, $cost>();
            $($integers::<$input, $layers>();)?
        }
    )*};
}

types! {
    one_dense_layer: [f32; 5], Dense<5, 3, Sigmoid>, CrossEntropy, check_integers;
    no_activation: [f32; 17], Dense<17, 33>, Quadratic, check_integers;
    a_layer_of_no_neurons: [f32; 6], seq![Dense<6, 0, Sigmoid>, Dense<0, 4, Sigmoid>], CrossEntropy;
    a_softmax_inside: [f32; 20], seq![Dense<20, 9, Softmax>, Dense<9, 4, Tanh>], Quadratic;
    dropout_first_and_between: [f32; 40],
        seq![Dropout<50>, Dense<40, 30, Relu>, Dropout<20>, Dense<30, 10, Softmax>], LogLikelihood, check_integers;
    dropout_last: [f32; 12], seq![Dense<12, 7, Sigmoid>, Dropout<30>], Quadratic, check_integers;
    a_large_layer: [f32; 300], seq![Dense<300, 120, Relu>, Dense<120, 10, Softmax>], LogLikelihood, check_integers;
    a_convolution_with_pooling: Pixels<12, 1>,
        seq![Conv5x5<1, 3, MaxPool2, Sigmoid>, Flatten, Dense<48, 4, Softmax>], LogLikelihood, check_integers;
    a_convolution_without: Pixels<9, 2>,
        seq![Conv5x5<2, 5, NoPool, Tanh>, Flatten, Dense<125, 4, Sigmoid>], Quadratic;
    two_convolutions: Pixels<16, 1>,
        seq![Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 7, MaxPool2, Relu>, Flatten, Dense<7, 3, Softmax>],
        LogLikelihood, check_integers;
    dropout_before_a_convolution: Pixels<10, 3>,
        seq![Dropout<10>, Conv5x5<3, 6, MaxPool2, Relu>, Dropout<40>, Flatten, Dense<54, 5, Sigmoid>],
        CrossEntropy, check_integers;
    a_convolution_that_is_not_square: [[[f32; 2]; 8]; 11], Conv5x5<2, 4, NoPool, Relu>, Quadratic, check_integers;
    flatten_last: Pixels<8, 1>, seq![Conv5x5<1, 7, MaxPool2, Sigmoid>, Dropout<10>, Flatten], Quadratic, check_integers;
    an_image_of_96x96: Pixels<96, 1>,
        seq![
            Conv<3, 3, 1, 6, MaxPool2, Relu, Stride<2, Same>>, Conv<3, 3, 6, 10, AvgPool2, Relu, Same>,
            Conv<3, 3, 10, 12, NoPool, Relu, Stride<2>>, GlobalAvgPool, Dense<12, 2, Softmax>,
        ], LogLikelihood, check_integers;
    a_signal_of_128_steps: [[[f32; 3]; 128]; 1],
        seq![
            Conv<1, 9, 3, 8, MaxPool2, Relu>, Conv<1, 5, 8, 6, AvgPool2, Sigmoid, Stride<3, Same>>, Flatten<Signal>,
            Dense<60, 4, Softmax>,
        ], LogLikelihood, check_integers;
    a_signal_in_a_column: [[[f32; 5]; 1]; 41],
        seq![Conv<6, 1, 5, 7, AvgPool2, Sigmoid, Stride<2>>, Conv<4, 1, 7, 3, NoPool, Relu, Same>, GlobalAvgPool],
        Quadratic, check_integers;
    a_signal_of_one_channel: [[[f32; 1]; 50]; 1],
        seq![Conv<1, 4, 1, 3, NoPool, Relu, Stride<3, Same>>, GlobalAvgPool, Dense<3, 2, Sigmoid>],
        CrossEntropy, check_integers;
    filters_of_1x1: Pixels<7, 3>,
        seq![Conv<1, 1, 3, 9, NoPool, Relu>, Conv<3, 3, 9, 2, NoPool, Relu>, Conv<1, 1, 2, 6, NoPool, Relu, Stride<2>>,
            Flatten, Dense<54, 5, Softmax>],
        LogLikelihood, check_integers;
    filters_of_7x7_with_a_stride: [[[f32; 2]; 16]; 15],
        seq![Conv<7, 7, 2, 11, AvgPool2, Relu, Stride<2, Same>>, Conv<2, 3, 11, 5, NoPool, Sigmoid>, GlobalAvgPool,
            Dense<5, 3, Softmax>],
        LogLikelihood, check_integers;
    filters_with_even_sides: Pixels<8, 5>,
        seq![Conv<2, 4, 5, 4, NoPool, Relu, Same>, Conv<6, 2, 4, 7, MaxPool2, Relu, Same>, Dropout<20>, Flatten,
            Dense<112, 3, Sigmoid>],
        CrossEntropy, check_integers;
    a_filter_as_large_as_the_image: [[[f32; 3]; 4]; 3],
        seq![Conv<3, 4, 3, 5, MaxPool2, Relu>, Flatten, Dense<5, 4, Softmax>], LogLikelihood, check_integers;
    a_filter_larger_than_the_image: Pixels<2, 2>,
        seq![Conv<5, 7, 2, 6, AvgPool2, Relu, Same>, Flatten, Dense<6, 4, Softmax>], LogLikelihood, check_integers;
    a_stride_larger_than_the_filter: [[[f32; 4]; 10]; 11],
        seq![Conv<2, 1, 4, 6, MaxPool2, Tanh, Stride<3>>, Dropout<50>, Conv<1, 1, 6, 2, NoPool, Sigmoid>], Quadratic;
    average_pooling: Pixels<14, 1>,
        seq![Conv<3, 3, 1, 6, AvgPool2, Relu>, Conv<3, 3, 6, 10, AvgPool2, Relu>, Flatten, Dense<40, 10, Softmax>],
        LogLikelihood, check_integers;
    a_mean_first: [[[f32; 7]; 5]; 6], seq![GlobalAvgPool, Dense<7, 9, Relu>, Dense<9, 3, Softmax>],
        LogLikelihood, check_integers;
    a_mean_last: [[[f32; 2]; 6]; 8], seq![Dropout<10>, Conv<3, 3, 2, 4, MaxPool2, Relu, Same>, GlobalAvgPool],
        Quadratic, check_integers;
    dropout_between_zeros: Pixels<6, 1>,
        seq![Conv<3, 3, 1, 8, NoPool, Relu, Same>, Dropout<30>, Conv<3, 3, 8, 4, MaxPool2, Relu, Same>, Flatten,
            Dense<36, 3, Softmax>],
        LogLikelihood, check_integers;
}

/// Flattens what is left of a signal.
struct Signal;

impl Flat<[[[f32; 6]; 10]; 1]> for Signal {
    type Vector = [f32; 60];
}

/// The networks that boards train (`qemu.rs`), here as types and as lists.
#[test]
fn the_boards_shapes_are_the_lists_bits() {
    fn run<In: Tensor, L: Layer<In>, C: Cost<L::Activation>>(mut net: Net<In, L>) -> u64 {
        shapes::run::<_, _, C>(&mut net, &mut [0.0; shapes::MEMORY])
    }
    let found = [
        ("dropped", run::<_, _, CrossEntropy>(Dropped::ZERO)),
        ("unpooled", run::<_, _, LogLikelihood>(Unpooled::ZERO)),
        ("flattened", run::<_, _, Quadratic>(Flattened::ZERO)),
        ("averaged", run::<_, _, LogLikelihood>(Averaged::ZERO)),
        ("strided", run::<_, _, CrossEntropy>(Strided::ZERO)),
        ("signal", run::<_, _, LogLikelihood>(shapes::Signal::ZERO)),
    ];
    assert_eq!(found, tests::shapes::hashes());
    let samples = [Dropped::SAMPLE, Unpooled::SAMPLE, Flattened::SAMPLE, Strided::SAMPLE, shapes::Signal::SAMPLE];
    assert!(samples.into_iter().all(|sample| IMAGES * sample <= shapes::MEMORY), "{samples:?}");
}

/// The weights after one step of a network whose convolutions have many channels.
fn learned_on(executor: &impl Executor) -> u64 {
    let text = "16x16x1: conv5x5 20 relu, conv5x5 40 maxpool2 relu, flatten, dense 10 softmax";
    let architecture = Architecture::parse(text).unwrap();
    let ops = architecture.layers();
    let mut list = List::new(ops, vec![0.0; list::parameters(ops)]).unwrap();
    let mut rng = XorShiftRng::seed_from_u64(1);
    list.initialize(Init::He, &mut rng);
    let mut memory = vec![0.0; 3 * list.layout().stride()];
    let mut batch = Batch::new(&mut memory, list.layout());
    for (number, image) in Dice(XorShiftRng::seed_from_u64(2)).images(3, 256, 10).iter().enumerate() {
        batch.input(number).copy_from_slice(&image.input);
        batch.target(number).copy_from_slice(&image.target);
    }
    list.train(CostFunction::LogLikelihood, &mut batch, &Sgd::new(0.1, 3), &mut rng, executor);
    list.weight_hash()
}

/// `Serial` lends fewer values to work in than such convolutions ask for.
#[test]
fn one_thread_without_a_heap_learns_the_same() {
    let serial = learned_on(&Serial);
    EXECUTORS.iter().for_each(|threads| assert_eq!(learned_on(threads), serial));
}
