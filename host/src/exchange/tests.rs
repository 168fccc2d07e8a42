//! Round trips, layouts, what is folded, and what is refused.

use super::*;
use crate::quantize::Integers;
use half::{bf16, f16};
use minnet::batch::Images;
use minnet::executor::Serial;
use minnet::module::Module;
use minnet::quant::{self, Calibration, Input, Width};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

/// Networks with every kind of layer.
const TEXTS: [&str; 12] = [
    "6: dense 5 sigmoid, dense 4 tanh, dense 3 softmax",
    "5: dense 0 sigmoid, dense 2",
    "9x7x2: flatten, dense 4 relu",
    "8x8x1: conv3x3 3 maxpool2 relu, flatten, dense 4 softmax",
    "9x8x3: conv2x3 4 avgpool2 tanh, conv3x2 5 same sigmoid, flatten, dense 6 relu, dense 2",
    "9x8x3: conv3x3 4 stride 2 same relu, conv1x1 2 relu, globalavgpool, dense 3 softmax",
    "8x8x2: conv4x2 4 stride 2 same maxpool2 relu, flatten, dense 3 softmax",
    "9x8x2: conv4x2 3 stride 3 same relu, flatten, dense 3 softmax",
    "1x20x3: conv1x5 4 maxpool2 relu, conv1x3 4 same avgpool2 relu, flatten, dense 3 softmax",
    "20x1x2: conv5x1 4 maxpool2 relu, flatten, dense 3 softmax",
    "6x6x2: conv3x3 3 same maxpool2 sigmoid",
    "5x5x2: conv5x5 4, flatten, dense 2",
];

fn random(text: &str, seed: u64) -> Network {
    let mut network = Network::zeroed(&nets::find(text, None).unwrap()).unwrap();
    let mut rng = XorShiftRng::seed_from_u64(seed);
    for parameter in network.parameters_mut() {
        *parameter = rng.next_u32() as i32 as f32 / (1u32 << 31) as f32;
    }
    network
}

/// The outputs for some values.
fn outputs(network: &Network, input: &[f32]) -> Vec<f32> {
    let mut memory = vec![0.0; network.ram().max(1)];
    memory[..input.len()].copy_from_slice(input);
    let stride = memory.len();
    let at = network.infer(Images::new(&mut memory, stride), &Serial);
    memory[at..at + network.layout().outputs].to_vec()
}

fn input(network: &Network) -> Vec<f32> {
    let mut rng = XorShiftRng::seed_from_u64(5);
    (0..network.architecture().inputs()).map(|_| rng.next_u32() as f32 / (1u64 << 32) as f32).collect()
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], error: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= error * expected.abs().max(1.0), "{what}: {index}: {found} {expected}");
    }
}

fn read(bytes: &[u8], options: &Options) -> Result<Imported> {
    parse(Path::new("folder/network"), bytes, options)
}

#[track_caller]
fn refused(bytes: &[u8], options: &Options) -> ExchangeError {
    match read(bytes, options) {
        Err(Error::Exchange { cause, .. }) => cause,
        other => panic!("{other:?}"),
    }
}

fn net(text: &str) -> Options {
    Options { net: Some(text.to_owned()), ..Options::default() }
}

fn bytes(network: &Network, form: Form) -> Vec<u8> {
    export(Path::new("digits.minnet"), &Contents::Floats(network.clone()), form).unwrap()
}

/// How a form is read back.
fn options(form: Form, text: &str) -> Options {
    if matches!(form, Form::Safetensors | Form::Npz) { net(text) } else { Options::default() }
}

const FLOATS: [Form; 3] = [Form::Safetensors, Form::Npz, Form::Onnx];

/// A safetensors file of such tensors.
fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, shape, values) in tensors {
        let begin = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, data.len()]});
        header.insert((*name).to_owned(), entry);
    }
    file(&serde_json::Value::Object(header), &data)
}

fn file(header: &serde_json::Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// Values that are all different.
fn ramp(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 + 1.0) / 8.0 * if i % 3 == 0 { -1.0 } else { 1.0 }).collect()
}

#[test]
fn what_goes_out_comes_back_with_the_same_bits() {
    for (seed, text) in TEXTS.iter().enumerate() {
        let network = random(text, seed as u64);
        for form in FLOATS {
            let back = read(&bytes(&network, form), &options(form, text)).unwrap();
            assert_eq!((back.net.architecture.to_string().as_str(), back.form), (*text, form));
            assert_eq!(back.network.parameters(), network.parameters(), "{text}, {form:?}");
            assert_eq!(back.preparation.fold_into(&back.network).unwrap().parameters(), network.parameters());
        }
    }
}

#[test]
fn dropout_leaves_values_as_they_are_elsewhere() {
    let text = "7x6x2: dropout 10, conv3x3 4 relu, dropout 25, flatten, dropout 50, dense 3 softmax";
    let without = "7x6x2: conv3x3 4 relu, flatten, dense 3 softmax";
    let network = random(text, 1);
    let expected = outputs(&network, &input(&network));
    for form in FLOATS {
        let file = bytes(&network, form);
        let other = read(&file, &options(form, without)).unwrap().network;
        assert_eq!(other.architecture().to_string(), without);
        assert_near(&outputs(&other, &input(&network)), &expected, 1e-6, form.name());
        if form != Form::Onnx {
            let back = read(&file, &net(text)).unwrap().network;
            assert_near(back.parameters(), network.parameters(), 1e-6, form.name());
        }
    }
    let last = random("4: dense 3 softmax, dropout 20", 1);
    for form in FLOATS {
        let error = export(Path::new("a"), &Contents::Floats(last.clone()), form).unwrap_err();
        assert!(matches!(error, Error::Exchange { cause: ExchangeError::LastDropout, .. }), "{error}");
    }
}

#[test]
fn an_image_that_pytorch_flattened_lies_by_channels() {
    let (h, w, c, o) = (3, 2, 4, 5);
    let text = "3x2x4: flatten, dense 5";
    let network = random(text, 2);
    let mut weights = Vec::new();
    for output in 0..o {
        for channel in 0..c {
            for y in 0..h {
                for x in 0..w {
                    weights.push(network.parameters()[((y * w + x) * c + channel) * o + output]);
                }
            }
        }
    }
    let bias = &network.parameters()[h * w * c * o..];
    let file = safetensors(&[("1.weight", &[o, h * w * c], &weights), ("1.bias", &[o], bias)]);
    let imported = read(&file, &net(text)).unwrap();
    assert_eq!(imported.network.parameters(), network.parameters());
    assert_eq!(imported.tensors, Some(Tensors { layout: Layout::Torch, batch_norms: 0 }));
    // What Keras flattens lies as here.
    let keras = Options { layout: Some(Layout::Keras), ..net(text) };
    let weights = &network.parameters()[..h * w * c * o];
    let file = safetensors(&[("dense/kernel:0", &[h * w * c, o], weights), ("dense/bias:0", &[o], bias)]);
    assert_eq!(read(&file, &keras).unwrap().network.parameters(), network.parameters());
}

#[test]
fn filters_are_turned() {
    let network = random("6x5x3: conv3x2 4", 3);
    let (kh, kw, i, o) = (3, 2, 3, 4);
    let mut weights = vec![0.0; kh * kw * i * o];
    for a in 0..kh {
        for b in 0..kw {
            for c in 0..i {
                for f in 0..o {
                    weights[((f * i + c) * kh + a) * kw + b] = network.parameters()[((a * kw + b) * i + c) * o + f];
                }
            }
        }
    }
    let bias = &network.parameters()[kh * kw * i * o..];
    let file = safetensors(&[("conv.weight", &[o, i, kh, kw], &weights), ("conv.bias", &[o], bias)]);
    let imported = read(&file, &net("6x5x3: conv3x2 4")).unwrap();
    assert_eq!(imported.network.parameters(), network.parameters());
}

#[test]
fn a_signal_s_filters_may_have_one_dimension() {
    let weights = ramp(2 * 3 * 4);
    for (text, layout, flat, whole) in [
        ("1x9x3: conv1x4 2", Layout::Torch, &[2, 3, 4][..], &[2, 3, 1, 4][..]),
        ("9x1x3: conv4x1 2", Layout::Torch, &[2, 3, 4], &[2, 3, 4, 1]),
        ("1x9x3: conv1x4 2", Layout::Keras, &[4, 3, 2], &[1, 4, 3, 2]),
    ] {
        let options = Options { layout: Some(layout), ..net(text) };
        let network = |shape| read(&safetensors(&[("0.weight", shape, &weights)]), &options).unwrap().network;
        assert_eq!(network(flat).parameters(), network(whole).parameters(), "{text}");
    }
}

#[test]
fn the_layout_is_told_by_shapes_then_by_names_then_by_the_format() {
    let wide = ramp(6);
    let square = ramp(4);
    let named = |weight: &str, shape: &[usize], values: &[f32]| safetensors(&[(weight, shape, values)]);
    let layout = |file: &[u8], text: &str| read(file, &net(text)).unwrap().tensors.unwrap().layout;
    assert_eq!(layout(&named("0.weight", &[2, 3], &wide), "3: dense 2"), Layout::Torch);
    assert_eq!(layout(&named("0.weight", &[3, 2], &wide), "3: dense 2"), Layout::Keras);
    assert_eq!(layout(&named("dense/kernel", &[2, 3], &wide), "3: dense 2"), Layout::Torch);
    assert_eq!(layout(&named("0.weight", &[2, 2], &square), "2: dense 2"), Layout::Torch);
    assert_eq!(layout(&named("dense/kernel", &[2, 2], &square), "2: dense 2"), Layout::Keras);
    // One layer tells the layout of all.
    let both = safetensors(&[("0.weight", &[2, 2], &square), ("1.weight", &[2, 3], &wide)]);
    assert_eq!(layout(&both, "2: dense 2, dense 3"), Layout::Keras);
    let npz = bytes(&random("2: dense 2", 1), Form::Npz);
    assert_eq!(layout(&npz, "2: dense 2"), Layout::Keras);
    let turned = Options { layout: Some(Layout::Torch), ..net("2: dense 2") };
    let imported = read(&npz, &turned).unwrap();
    assert_eq!(imported.tensors, Some(Tensors { layout: Layout::Torch, batch_norms: 0 }));
    assert_ne!(imported.network.parameters(), read(&npz, &net("2: dense 2")).unwrap().network.parameters());
}

#[test]
fn layers_come_in_the_order_of_their_numbers_and_biases_may_be_missing() {
    let text = "2: dense 2, dense 2, dense 2, dense 2, dense 2, dense 2, dense 2, dense 2, dense 2, dense 2, dense 2";
    // As a file has them: sorted by letters.
    let names: Vec<String> = (0..11).map(|i| format!("{i}.weight")).collect();
    let values: Vec<Vec<f32>> = (0..11).map(|i| vec![i as f32; 4]).collect();
    let mut tensors: Vec<_> =
        names.iter().zip(&values).map(|(name, values)| (name.as_str(), &[2, 2][..], &values[..])).collect();
    tensors.sort_by_key(|(name, ..)| *name);
    let network = read(&safetensors(&tensors), &net(text)).unwrap().network;
    for (index, (_, weights, biases)) in network.each_layer().enumerate() {
        assert_eq!((weights, biases), (&[index as f32; 4][..], &[0.0; 2][..]));
    }
}

#[test]
fn shapes_tell_convolutions_from_dense_layers_whatever_their_names() {
    let text = "3x3x1: conv2x2 2, conv2x2 2, flatten, dense 2, dense 3";
    let (first, second, third, fourth) = (ramp(8), ramp(16), ramp(4), ramp(6));
    // Sorted by letters the classifier comes first.
    let file = |words: [&str; 2]| {
        let [conv, dense] = words;
        let names = [format!("{conv}0.weight"), format!("{conv}3.weight"), format!("{dense}1.weight")];
        let last = format!("{dense}3.weight");
        safetensors(&[
            (&names[2], &[2, 2], &third),
            (&last, &[3, 2], &fourth),
            (&names[0], &[2, 1, 2, 2], &first),
            (&names[1], &[2, 2, 2, 2], &second),
        ])
    };
    let there = read(&file(["features.", "classifier."]), &net(text)).unwrap().network;
    let other = read(&file(["conv", "fc"]), &net(text)).unwrap().network;
    assert_eq!(there.parameters(), other.parameters());
    assert_eq!(there.parameters()[8..10], [0.0; 2]);
}

#[test]
fn names_without_an_order_are_not_guessed() {
    let (first, second) = (ramp(4), vec![7.0; 4]);
    let file = safetensors(&[("hidden.weight", &[2, 2], &first), ("entry.weight", &[2, 2], &second)]);
    let text = "2: dense 2, dense 2";
    let error = refused(&file, &net(text));
    let message = error.to_string();
    assert!(matches!(error, ExchangeError::Ambiguous { number: 1, .. }), "{error}");
    assert!(message.contains("`entry`, `hidden`") && message.contains("--order"), "{message}");

    let ordered = |names: &[&str]| Options { order: names.iter().map(ToString::to_string).collect(), ..net(text) };
    let network = read(&file, &ordered(&["hidden", "entry"])).unwrap().network;
    assert_eq!(network.parameters()[6..10], [7.0; 4]);
    assert_eq!(read(&file, &ordered(&["entry", "hidden"])).unwrap().network.parameters()[..4], [7.0; 4]);
    let error = refused(&file, &ordered(&["hidden", "last"]));
    assert_eq!(error.to_string(), "--order: there is no layer `last`; there are: `hidden`, `entry`");
    assert!(matches!(refused(&file, &ordered(&["hidden"])), ExchangeError::LeftOver { .. }));
    assert!(matches!(refused(&file, &ordered(&["hidden", "hidden"])), ExchangeError::Order { .. }));
}

/// A dense layer of two outputs and its normalization, by these names.
fn normalized(layer: &str, norm: &str, words: [&str; 4]) -> Vec<u8> {
    let name = |group: &str, word: &str| if group.is_empty() { word.to_owned() } else { format!("{group}.{word}") };
    let [gamma, beta, mean, variance] = words.map(|word| name(norm, word));
    safetensors(&[
        (&name(layer, "weight"), &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (&name(layer, "bias"), &[2], &[0.5, -0.5]),
        (&gamma, &[2], &[2.0, -3.0]),
        (&beta, &[2], &[0.25, 0.75]),
        (&mean, &[2], &[1.5, -2.5]),
        (&variance, &[2], &[4.0, 0.25]),
    ])
}

const TORCH: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];
const KERAS: [&str; 4] = ["gamma", "beta", "moving_mean", "moving_variance"];

/// What these give for 1, -1, 2.
fn by_hand(epsilon: f32) -> [f32; 2] {
    let of = |z: f32, gamma: f32, beta: f32, mean: f32, variance: f32| {
        (z - mean) / (variance + epsilon).sqrt() * gamma + beta
    };
    [of(5.0 + 0.5, 2.0, 0.25, 1.5, 4.0), of(11.0 - 0.5, -3.0, 0.75, -2.5, 0.25)]
}

#[test]
fn batch_normalization_goes_into_the_layer_before() {
    let run = |file: &[u8], options: &Options| outputs(&read(file, options).unwrap().network, &[1.0, -1.0, 2.0]);
    for (layer, norm, words) in [
        ("0", "1", TORCH),
        ("features.0", "features.1", TORCH),
        ("fc1", "bn1", TORCH),
        ("block1.fc", "block1.bn", TORCH),
        ("fc", "norm", TORCH),
        ("dense", "batch_normalization", KERAS),
        ("dense_1", "batch_normalization_1", KERAS),
    ] {
        // PyTorch's shapes decide, whatever the words.
        let found = run(&normalized(layer, norm, words), &net("3: dense 2"));
        assert_near(&found, &by_hand(1e-5), 1e-6, layer);
    }
    let tensors = read(&normalized("0", "1", TORCH), &net("3: dense 2")).unwrap().tensors;
    assert_eq!(tensors, Some(Tensors { layout: Layout::Torch, batch_norms: 1 }));
    let found = run(&normalized("0", "1", TORCH), &Options { epsilon: Some(0.5), ..net("3: dense 2") });
    assert_near(&found, &by_hand(0.5), 1e-6, "epsilon");
    // In Keras's layout another number is added.
    let arrays = [
        (vec![3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        (vec![2], vec![0.5, -0.5]),
        (vec![2], vec![2.0, -3.0]),
        (vec![2], vec![0.25, 0.75]),
        (vec![2], vec![1.5, -2.5]),
        (vec![2], vec![4.0, 0.25]),
    ];
    let found = run(&npz::archive(&arrays).unwrap(), &net("3: dense 2"));
    assert_near(&found, &by_hand(1e-3), 1e-6, "keras");
}

#[test]
fn batch_normalization_that_is_elsewhere_is_refused() {
    for (layer, norm) in [("0", "2"), ("1", "0"), ("fc2", "bn1"), ("fc", "bn1")] {
        let error = refused(&normalized(layer, norm, TORCH), &net("3: dense 2"));
        assert!(matches!(error, ExchangeError::Norm { .. }), "{layer}, {norm}: {error}");
    }
    let short = safetensors(&[
        ("0.weight", &[2, 1], &[1.0, 2.0]),
        ("1.running_mean", &[3], &[1.0; 3]),
        ("1.running_var", &[3], &[1.0; 3]),
    ]);
    assert!(matches!(refused(&short, &net("1: dense 2")), ExchangeError::NormContent { .. }));
    let negative = safetensors(&[
        ("0.weight", &[1, 1], &[1.0]),
        ("1.running_mean", &[1], &[1.0]),
        ("1.running_var", &[1], &[-1.0]),
    ]);
    assert!(matches!(refused(&negative, &net("1: dense 1")), ExchangeError::NormContent { .. }));
    let half = safetensors(&[("0.weight", &[1, 1], &[1.0]), ("1.running_mean", &[1], &[1.0])]);
    assert!(matches!(refused(&half, &net("1: dense 1")), ExchangeError::NormContent { .. }));
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let file = safetensors(&[("0.weight", &[2, 3], &ramp(6)), ("0.bias", &[2], &ramp(2))]);
    let message = |text: &str| refused(&file, &net(text)).to_string();
    assert_eq!(
        message("4: dense 2"),
        "layer 1 (`dense 2`): tensor `0.weight` has the shape [2, 3], and it needs [2, 4] (layout torch); check --net, or \
         give --layout"
    );
    assert!(message("3: dense 2, dense 2").contains("layer 2 (`dense 2`): no tensor is left for its weights"));
    assert!(message("3x1x3: conv1x1 2").contains("`0.weight` has the shape [2, 3], and it needs [2, 3, 1, 1]"));
    let long = safetensors(&[("0.weight", &[2, 3], &ramp(6)), ("0.bias", &[3], &ramp(3))]);
    let error = refused(&long, &net("3: dense 2")).to_string();
    assert!(error.contains("tensor `0.bias` has the shape [3], and it needs [2]"), "{error}");
    let more = safetensors(&[("0.weight", &[2, 3], &ramp(6)), ("1.weight", &[2, 2], &ramp(4))]);
    let error = refused(&more, &net("3: dense 2")).to_string();
    assert!(error.contains("tensors are left over: `1`"), "{error}");
    let lonely = safetensors(&[("0.weight", &[2, 3], &ramp(6)), ("1.bias", &[2], &ramp(2))]);
    assert!(matches!(refused(&lonely, &net("3: dense 2")), ExchangeError::LeftOver { .. }));
    assert!(matches!(refused(&safetensors(&[]), &net("3: dense 2")), ExchangeError::Missing { .. }));
    let large = safetensors(&[("0.weight", &[2, 3], &ramp(6)), ("1.weight", &[4, 4], &ramp(16))]);
    assert!(matches!(refused(&large, &net("3: dense 2")), ExchangeError::TooLarge { limit: 8, .. }));
    for value in [f32::NAN, f32::INFINITY] {
        let file = safetensors(&[("0.weight", &[1, 2], &[1.0, value])]);
        let error = refused(&file, &net("2: dense 1"));
        assert_eq!(error, ExchangeError::NotFinite { tensor: "0.weight".into(), index: 1 });
    }
}

#[test]
fn files_that_say_their_network_get_no_text_and_others_need_one() {
    let network = random("3: dense 2 sigmoid", 1);
    for form in [Form::Network2, Form::Onnx] {
        assert_eq!(refused(&bytes(&network, form), &net("3: dense 2")), ExchangeError::HasNet);
        let epsilon = Options { epsilon: Some(1e-3), ..Options::default() };
        assert_eq!(refused(&bytes(&network, form), &epsilon), ExchangeError::HasNet);
        let quadratic = Options { cost: Some("quadratic".into()), ..Options::default() };
        assert_eq!(read(&bytes(&network, form), &quadratic).unwrap().network.cost().name(), "quadratic");
        assert_eq!(read(&bytes(&network, form), &Options::default()).unwrap().form, form);
    }
    for form in [Form::Safetensors, Form::Npz] {
        assert_eq!(refused(&bytes(&network, form), &Options::default()), ExchangeError::NoNet);
    }
    for (bytes, words) in [(&b""[..], "empty"), (b"\x89HDF\r\n", "89 48 44 46"), (b"\x93NUMPY", "a NumPy array")] {
        let error = refused(bytes, &Options::default()).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn all_floats_are_converted_and_integers_left_out() {
    let values = [1.5, -0.25, 3.0, 0.5];
    for (kind, data) in [
        ("F16", values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect::<Vec<u8>>()),
        ("BF16", values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect()),
        ("F32", values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        ("F64", values.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect()),
    ] {
        let end = data.len();
        let header = serde_json::json!({
            "0.weight": {"dtype": kind, "shape": [1, 4], "data_offsets": [0, end]},
            "1.num_batches_tracked": {"dtype": "I64", "shape": [], "data_offsets": [end, end + 8]},
        });
        let network = read(&file(&header, &[&data[..], &[0; 8]].concat()), &net("4: dense 1")).unwrap().network;
        assert_eq!(network.parameters(), [1.5, -0.25, 3.0, 0.5, 0.0], "{kind}");
    }
    let header = serde_json::json!({"0.weight": {"dtype": "F64", "shape": [1, 1], "data_offsets": [0, 8]}});
    let error = refused(&file(&header, &1e300f64.to_le_bytes()), &net("1: dense 1"));
    assert!(matches!(error, ExchangeError::NotFinite { .. }), "{error}");
    let header = serde_json::json!({"0.weight": {"dtype": "F8_E4M3", "shape": [1, 1], "data_offsets": [0, 1]}});
    assert!(matches!(refused(&file(&header, &[0]), &net("1: dense 1")), ExchangeError::Type { .. }));
}

#[test]
fn gigantic_headers_take_no_memory() {
    for length in [1 << 20, 1 << 40, (1 << 56) - 1] {
        let bytes = [&u64::to_le_bytes(length)[..], b"{}"].concat();
        assert!(matches!(refused(&bytes, &net("1: dense 1")), ExchangeError::Damaged { .. }), "{length}");
    }
    for shape in [[1u64 << 40, 1 << 40], [1 << 20, 1 << 10]] {
        let header = serde_json::json!({"0.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}});
        assert!(matches!(refused(&file(&header, &[0; 4]), &net("1: dense 1")), ExchangeError::Damaged { .. }));
        let array = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", shape[0], shape[1]);
        let error = refused(&archive_of(&array, &[0; 4]), &net("1: dense 1"));
        assert!(matches!(error, ExchangeError::TooLarge { .. }), "{error}");
    }
}

/// A zip archive with an array that begins with such a header.
fn archive_of(header: &str, data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("a.npy", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"\x93NUMPY\x02\x00").unwrap();
    archive.write_all(&(header.len() as u32).to_le_bytes()).unwrap();
    archive.write_all(header.as_bytes()).unwrap();
    archive.write_all(data).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn arrays_are_read_in_both_orders_and_all_types() {
    let read = |header: &str, data: &[u8]| super::parse(Path::new("a"), &archive_of(header, data), &net("2: dense 3"));
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let rows = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    let columns = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    let there = read(rows, &bytes(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).unwrap().network;
    assert_eq!(there.parameters()[..6], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let turned = read(columns, &bytes(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])).unwrap().network;
    assert_eq!(turned.parameters(), there.parameters());
    let doubles: Vec<u8> = (1..=6).flat_map(|value| f64::from(value).to_le_bytes()).collect();
    assert_eq!(read(&rows.replace("<f4", "<f8"), &doubles).unwrap().network.parameters(), there.parameters());
    let error = |header: &str, data: &[u8]| match read(header, data) {
        Err(Error::Exchange { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    assert!(matches!(error(&rows.replace("<f4", "|O"), &[0; 24]), ExchangeError::Pickled { .. }));
    assert!(matches!(error(&rows.replace("<f4", ">f4"), &[0; 24]), ExchangeError::Type { .. }));
    assert!(matches!(error(&rows.replace("<f4", "<c8"), &[0; 24]), ExchangeError::Type { .. }));
    // Integers are left out, and nothing remains.
    assert!(matches!(error(&rows.replace("<f4", "<i4"), &[0; 24]), ExchangeError::Missing { .. }));
    for data in [23, 25] {
        assert!(matches!(error(rows, &vec![0; data]), ExchangeError::Damaged { .. }));
    }
    let long = " ".repeat(1 << 17);
    assert!(matches!(error(&long, &[]), ExchangeError::Damaged { .. }));
}

#[test]
fn archives_of_other_things_are_told_what_to_do() {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("archive/data.pkl", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"\x80\x02").unwrap();
    let error = refused(&archive.finish().unwrap().into_inner(), &net("1: dense 1"));
    let message = error.to_string();
    assert!(message.contains("archive/data.pkl") && message.contains("docs/import.md"), "{message}");
}

#[test]
fn every_truncation_is_refused_and_every_flipped_byte_is_no_panic() {
    let text = "4x4x1: conv3x3 2 maxpool2 relu, flatten, dense 2 softmax";
    let network = random(text, 4);
    for form in FLOATS {
        let whole = bytes(&network, form);
        for length in 0..whole.len() {
            assert!(read(&whole[..length], &options(form, text)).is_err(), "{form:?}, {length} bytes");
        }
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                // It may be a network of other numbers.
                let _ = read(&bytes, &options(form, text));
            }
        }
    }
}

#[test]
fn the_preparation_of_inputs_goes_into_the_first_layer() {
    for (text, channels) in [
        ("5: dense 3 relu, dense 2", 1),
        ("5: dropout 20, dense 3", 1),
        ("6x5x3: conv3x3 2 relu, flatten, dense 2", 3),
        ("6x5x3: dropout 50, flatten, dense 2", 3),
        ("6x5x3: globalavgpool, dense 2", 3),
    ] {
        let network = random(text, 6);
        let (mean, std) = ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]);
        let (mean, std) = (&mean[..channels], &std[..channels]);
        let preparation = Preparation::new(Some(1.0 / 255.0), mean, std, channels).unwrap();
        let folded = preparation.fold_into(&network).unwrap();
        let pixels: Vec<u8> = (0..network.architecture().inputs()).map(|i| (i * 37 % 256) as u8).collect();
        let ours: Vec<f32> = pixels.iter().map(|pixel| f32::from(*pixel) / 256.0).collect();
        let theirs = pixels
            .iter()
            .enumerate()
            .map(|(i, pixel)| ((f64::from(*pixel) / 255.0 - mean[i % channels]) / std[i % channels]) as f32);
        let expected = outputs(&network, &theirs.collect::<Vec<_>>());
        assert_near(&outputs(&folded, &ours), &expected, 1e-5, text);
    }
}

#[test]
fn a_preparation_that_cannot_be_folded_is_refused() {
    let network = random("6x5x1: conv3x3 2 same relu, flatten, dense 2", 6);
    let preparation = |mean: &[f64]| Preparation::new(Some(1.0 / 255.0), mean, &[0.5], 1).unwrap();
    assert!(preparation(&[0.1]).fold_into(&network).is_none());
    // Nothing is added to the zeros.
    assert!(preparation(&[]).fold_into(&network).is_some());
    // There are no zeros.
    let network = random("6x5x1: conv1x1 2 same relu, flatten, dense 2", 6);
    assert!(preparation(&[0.1]).fold_into(&network).is_some());
    assert!(preparation(&[0.1]).fold_into(&random("6x5x1: globalavgpool", 1)).is_none());
    for (scale, mean, std) in [
        (1.0, &[1.0, 2.0][..], &[][..]),
        (1.0, &[], &[1.0, 2.0]),
        (1.0, &[], &[0.0]),
        (0.0, &[], &[]),
        (1.0, &[f64::NAN], &[]),
        (f64::INFINITY, &[], &[]),
    ] {
        let error = Preparation::new(Some(scale), mean, std, 3).unwrap_err();
        assert!(matches!(error, ExchangeError::Preparation { .. }), "{scale} {mean:?} {std:?}");
    }
}

#[test]
fn a_network_goes_only_where_it_can_be() {
    let path = Path::new("folder/digits.minnet");
    let network = random("4: dense 3 fast-sigmoid, dense 2 softmax", 1);
    let floats = Contents::Floats(network);
    for form in FLOATS {
        let error = export(path, &floats, form).unwrap_err().to_string();
        assert_eq!(error, "folder/digits.minnet: the activation fast-sigmoid is Minnet's own; train with sigmoid");
    }
    assert!(matches!(export(path, &floats, Form::Network2), Err(Error::NotNetwork2 { .. })));
    let error = export(path, &floats, Form::C).unwrap_err().to_string();
    assert!(error.contains("host quantize"), "{error}");
    let network = random("4: dense 3 relu, dense 2 softmax", 1);
    let words = vec![0; crate::quantize::flash_bytes(network.architecture(), Width::Eight)];
    let words = valid(&network, words);
    let integers = Integers::new(network.architecture().clone(), Width::Eight, words).unwrap();
    for form in [Form::Network2, Form::Safetensors, Form::Npz, Form::Onnx] {
        let error = export(path, &Contents::Integers(integers.clone()), form).unwrap_err();
        assert!(matches!(error, Error::Exchange { cause: ExchangeError::Integers, .. }), "{error}");
    }
    assert!(export(path, &Contents::Integers(integers), Form::C).is_ok());
}

/// The words of an integer network.
fn valid(network: &Network, mut words: Vec<u8>) -> Vec<u8> {
    let ops = network.architecture().layers();
    let greatest = vec![1.0; ops.len()];
    let (chunks, _) = words.as_chunks_mut();
    let calibration = Calibration { input: Input::PIXELS, greatest: &greatest };
    quant::build(ops, network.parameters(), calibration, Width::Eight, chunks).unwrap();
    words
}

#[test]
fn pytorch_s_modules_are_told() {
    let code = |text: &str| torch_code(&Architecture::parse(text).unwrap());
    assert_eq!(
        code("9x9x3: conv3x3 4 stride 2 same relu, conv2x2 5 avgpool2 tanh, flatten, dropout 20, dense 10 softmax"),
        "nn.Sequential(\n    nn.Conv2d(3, 4, 3, stride=2, padding=1),  # 0\n    nn.ReLU(),  # 1\n    \
         nn.Conv2d(4, 5, 2),  # 2\n    nn.AvgPool2d(2),  # 3\n    nn.Tanh(),  # 4\n    nn.Flatten(),  # 5\n    \
         nn.Dropout(0.2),  # 6\n    nn.Linear(20, 10),  # 7\n    nn.Softmax(1),  # 8\n)\n"
    );
    let code = code("9x8x3: conv4x1 4 same, globalavgpool, dense 2");
    assert!(code.contains("nn.ZeroPad2d((0, 0, 1, 2)),  # 0\n    nn.Conv2d(3, 4, (4, 1)),  # 1"), "{code}");
    assert!(
        code.contains("nn.AdaptiveAvgPool2d(1),  # 2\n    nn.Flatten(),  # 3\n    nn.Linear(4, 2),  # 4"),
        "{code}"
    );
}

#[test]
fn exported_tensors_have_the_numbers_of_their_modules() {
    let network = random("6x6x1: conv3x3 2 maxpool2 relu, flatten, dropout 20, dense 3 relu, dense 2 softmax", 1);
    let file = bytes(&network, Form::Safetensors);
    let names: Vec<String> =
        super::safetensors::read(&file, 1000).unwrap().into_iter().map(|tensor| tensor.name).collect();
    for name in ["0.weight", "0.bias", "5.weight", "5.bias", "7.weight", "7.bias"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    assert_eq!(names.len(), 6);
}
