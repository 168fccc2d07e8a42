//! Model files and checkpoints.

use super::{executor, place, read};
use host::data::{Sample, View};
use host::description::Description;
use host::model::{Contents, File};
use host::nets;
use host::network::Network;
use host::samples::Samples;
use host::train::{Checkpoint, Hyper, train_from};
use minnet::model::{self, Metadata, Model};
use minnet::prelude::*;
use minnet::quant::Quantized;
use std::ops::ControlFlow;

/// A network that is a type, and in the corpus.
type Tiny = Net<[f32; 4], seq![Dense<4, 3, Sigmoid>, Dense<3, 2, Softmax>]>;

/// What is not inferred from more numbers than these: that it takes long is no defect.
const MOST: usize = 1 << 22;

/// Makes the checksum right that a model file or a checkpoint ends with. A checkpoint's is of what follows its first eight
/// bytes.
pub fn seal(bytes: &mut [u8]) {
    let Some(end) = bytes.len().checked_sub(4) else { return };
    let from = if bytes.starts_with(b"MINNETC1") { 8.min(end) } else { 0 };
    let sum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[from..end]);
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
}

pub fn model(bytes: &[u8]) {
    let Some(file) = read(File::read(&place().write("a.minnet", bytes))) else { return };
    let typed = Model::<[f32; 4], _>::parse(file.bytes()).map(|model: Model<'_, _, _>| -> &Tiny { model.net });
    let integers = file.quantized::<[f32; 4], _, minnet::quant::Int8>();
    let integers: Option<Quantized<'_, Tiny>> = read(integers);
    let (metadata, description) = (read(file.metadata()), read(file.description()));
    let Some(contents) = read(file.contents()) else { return };
    // The description is of no use to the network; a model as a type is taken with all that is in it.
    let (Some(metadata), Some(description)) = (metadata, description) else {
        return assert!(typed.is_err() && integers.is_none());
    };
    let architecture = contents.architecture();
    if architecture.inputs() + architecture.macs() + architecture.ram_bytes() > MOST {
        return;
    }
    // All say the same: the list that a PC reads, and the type that a firmware has.
    let is_tiny = architecture.to_string() == Tiny::ARCHITECTURE.as_str();
    let input: Vec<u8> = (0..architecture.inputs()).map(|i| (i * 37) as u8).collect();
    let view = View::of_classes(architecture.input(), Sample::Bytes(&input), &[0]).expect("a sample of this shape");
    let outputs = read(contents.outputs(Samples::new(view, description.normalization()), executor()));
    let pixels = read(contents.outputs(Samples::new(view, Default::default()), executor()));
    drop(outputs);
    if is_tiny && let Contents::Floats(network) = &contents {
        let net = typed.expect("the type's network");
        assert_eq!(net.weight_hash(), network.weight_hash());
        let mut ram = [0.0; Tiny::RAM];
        let output = net.infer_with(|values| load(&input, values), &mut ram, &Serial);
        if let Some(pixels) = &pixels {
            assert_eq!(bits(pixels.get(0)), bits(output.expect("an output").flat()));
        }
    }
    if is_tiny && let (Contents::Integers(list), Some(net)) = (&contents, &integers) {
        assert_eq!(net.weight_hash(), list.list().weight_hash());
        let samples = Samples::new(view, Default::default());
        let logits = list.logits(samples, executor()).expect("a sample of this shape");
        let mut bytes = vec![0; input.len()];
        samples.load_bytes(0, net.input(), &mut bytes);
        let mut ram = [0; Quantized::<Tiny>::RAM];
        assert_eq!(net.infer_pixels(&bytes, &mut ram), logits);
    }
    // What is written is what was read.
    let first = written(&contents, &metadata, &description, "b.minnet");
    let read = File::read(&place().path("b.minnet")).expect("what was written");
    let again = read.contents().expect("what was written");
    assert_eq!(again.weight_hash(), contents.weight_hash());
    let (metadata, description) = (read.metadata().expect("its own"), read.description().expect("its own"));
    assert_eq!(written(&again, &metadata, &description, "c.minnet"), first);
}

fn load(pixels: &[u8], values: &mut [f32; 4]) {
    values.iter_mut().zip(pixels).for_each(|(value, &pixel)| *value = f32::from(pixel) / 256.0);
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn written(contents: &Contents, metadata: &Metadata, description: &Description, name: &str) -> Vec<u8> {
    let path = place().path(name);
    match contents {
        Contents::Floats(network) => network.save(&path, metadata, description),
        Contents::Integers(integers) => integers.save(&path, metadata, description),
    }
    .expect("room for a small file");
    std::fs::read(path).expect("what was written")
}

pub fn description(bytes: &[u8]) {
    let Ok(found) = model::Description::parse(bytes) else { return };
    assert!(bytes.starts_with(found.encoded()));
    let own = Description::from(found);
    let encoded = own.encode();
    let again = model::Description::parse(&encoded).expect("what was encoded");
    assert_eq!(Description::from(again), own);
    assert_eq!(again.classes().iter().count(), own.classes.len());
    let mut input = [0.0; 6];
    own.normalization().apply(&[0_u8, 1, 127, 128, 254, 255], &mut input);
}

/// The training that the corpus's checkpoints are of.
pub fn checkpoint(bytes: &[u8]) {
    let Some(found) = read(Checkpoint::read(&place().write("a.checkpoint", bytes))) else { return };
    let path = place().path("b.checkpoint");
    found.save(&path).expect("room for a small file");
    let first = std::fs::read(&path).expect("what was written");
    Checkpoint::read(&path).expect("what was written").save(&path).expect("room for a small file");
    assert_eq!(std::fs::read(&path).expect("what was written"), first);
    // Whatever its numbers are, a training that goes on from it ends.
    let net = nets::find("4: dense 3 sigmoid, dense 2 softmax", None).expect("a network");
    let mut network = Network::zeroed(&net).expect("a small network");
    let values: Vec<u8> = (0..32).map(|i| (i * 37) as u8).collect();
    let view = View::of_classes(net.architecture.input(), Sample::Bytes(&values), &[0, 1, 0, 1, 1, 0, 0, 1]);
    let set = Samples::new(view.expect("eight samples"), Default::default());
    let hyper = Hyper { epochs: found.state.epochs().min(1000) as u32 + 1, batch: 4, ..Hyper::default() };
    let sets = [set, set];
    drop(train_from(Some(found.state), &mut network, net.cost, sets, &hyper, executor(), &mut |_| {
        ControlFlow::Continue(())
    }));
}
