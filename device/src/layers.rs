//! Inference of small networks of many shapes, in floats and in integers, with made-up weights: what comes of each on a
//! board, as a type, and on a PC, as a list of the same layers, must be the same to the last bit.

use minnet::batch::Images;
use minnet::executor::Serial;
use minnet::list::{self, List};
use minnet::net::{Net, load_pixels};
use minnet::op::Op;
use minnet::quant::{
    self, Calibration, Input, Int2, Int3, Int4, Int8, QuantLayer, Quantized, QuantizedList, Ternary, Weights, Width,
    Word,
};
use minnet::tensor::Tensor;
use zerocopy::{FromBytes, IntoBytes};

/// The most parameters, and words of an integer network, of a network here.
const PARAMETERS: usize = 640;
const WORDS: usize = 480;
/// The most layers.
const LAYERS: usize = 8;

/// What the networks here work in: `RAM` values, for inputs of at most `PIXELS`. Every board has room for the least.
pub struct Memory<const RAM: usize = 960, const PIXELS: usize = 256> {
    parameters: [f32; PARAMETERS],
    words: [Word; WORDS],
    ram: [f32; RAM],
    pixels: [u8; PIXELS],
}

/// Hashes of a network's outputs in floats, and in integers of each width.
pub type Hashes = [u64; 6];

/// What an integer network here takes, one after the other: pixels, and what a sensor may give.
const INPUTS: [Input; 2] = [Input::PIXELS, Input { step: 1.0 / 128.0, zero: 120 }];

impl<const RAM: usize, const PIXELS: usize> Memory<RAM, PIXELS> {
    /// To begin with.
    pub const NEW: Self =
        Self { parameters: [0.0; PARAMETERS], words: [[0; 4]; WORDS], ram: [0.0; RAM], pixels: [0; PIXELS] };

    /// What a network gives that is a type; `None` if it has no room here, or no integer form.
    pub fn of_type<In: Tensor, L: QuantLayer<In>>(&mut self) -> Option<Hashes> {
        let ops = L::OPS;
        let (count, inputs) = self.draw(ops.as_slice())?;
        let net = Net::<In, L>::ref_from_bytes(self.parameters.get(..count)?.as_bytes()).ok()?;
        let fill = |place: &mut In| load_pixels(self.pixels.get(..inputs).unwrap_or(&[]), place.flat_mut());
        let floats = hash(net.infer_with(fill, &mut self.ram, &Serial)?.flat().iter().map(|value| value.to_bits()));
        Some([
            floats,
            self.integers::<In, L, Int8>(ops.as_slice(), count)?,
            self.integers::<In, L, Int4>(ops.as_slice(), count)?,
            self.integers::<In, L, Int3>(ops.as_slice(), count)?,
            self.integers::<In, L, Int2>(ops.as_slice(), count)?,
            self.integers::<In, L, Ternary>(ops.as_slice(), count)?,
        ])
    }

    /// What a network gives that is a list.
    pub fn of_list(&mut self, ops: &[Op]) -> Option<Hashes> {
        let (count, inputs) = self.draw(ops)?;
        let net = List::new(ops, self.parameters.get(..count)?)?;
        let (front, back) = list::inference_ram(ops);
        let ram = self.ram.get_mut(..front + back)?;
        load_pixels(self.pixels.get(..inputs)?, ram.get_mut(..inputs)?);
        let stride = ram.len();
        let place = net.infer_seen(Images::new(ram, stride), &Serial, |_, _, _| {});
        let outputs = ram.get(place..place + ops.last()?.outputs())?;
        let mut hashes = [hash(outputs.iter().map(|value| value.to_bits())), 0, 0, 0, 0, 0];
        for (width, place) in Width::ALL.iter().zip(hashes.iter_mut().skip(1)) {
            for input in INPUTS {
                let block = self.quantize(ops, count, input, *width)?;
                let net = QuantizedList::new(ops, *width, self.words.get(..block)?.as_flattened()).ok()?;
                let mut ram = [0xdead_beef; RAM];
                let logits = net.infer_pixels_with(self.pixels.get(..inputs)?, &mut ram);
                *place = place.rotate_left(1) ^ hash(logits.iter().map(|logit| *logit as u32));
            }
        }
        Some(hashes)
    }

    /// In a function of its own for each width, to be short.
    #[inline(never)]
    fn integers<In: Tensor, L: QuantLayer<In>, W: Weights>(&mut self, ops: &[Op], count: usize) -> Option<u64> {
        let mut both = 0u64;
        for input in INPUTS {
            let block = self.quantize(ops, count, input, W::WIDTH)?;
            let net = Quantized::<Net<In, L>, W>::new(self.words.get(..block)?.as_flattened()).ok()?;
            let ram = <[u32]>::mut_from_bytes(self.ram.as_mut_bytes()).ok()?;
            ram.fill(0xdead_beef);
            let logits = net.infer_pixels_with(self.pixels.get(..In::LEN)?, ram);
            both = both.rotate_left(1) ^ hash(logits.iter().map(|logit| *logit as u32));
        }
        Some(both)
    }

    /// Makes the integer network's words, and says how many.
    fn quantize(&mut self, ops: &[Op], count: usize, input: Input, width: Width) -> Option<usize> {
        let block = quant::words(ops, width) + input.words();
        let greatest = [4.0; LAYERS];
        let (parameters, greatest) = (self.parameters.get(..count)?, greatest.get(..ops.len())?);
        let calibration = Calibration { input, greatest };
        quant::build(ops, parameters, calibration, width, self.words.get_mut(..block)?).ok()?;
        Some(block)
    }

    /// Draws parameters and pixels, and says how many.
    fn draw(&mut self, ops: &[Op]) -> Option<(usize, usize)> {
        let (count, inputs) = (list::parameters(ops), ops.first()?.inputs());
        let mut random = 7u32;
        let mut next = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random
        };
        for parameter in self.parameters.get_mut(..count)? {
            *parameter = next() as i32 as f32 / (1u32 << 31) as f32;
        }
        for pixel in self.pixels.get_mut(..inputs)? {
            // Three of eight are black.
            let number = next();
            *pixel = if number >> 29 < 3 { 0 } else { (number >> 16) as u8 };
        }
        Some((count, inputs))
    }
}

/// FNV-1a of 32-bit numbers.
fn hash(numbers: impl Iterator<Item = u32>) -> u64 {
    let bytes = numbers.flat_map(u32::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
