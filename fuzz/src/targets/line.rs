//! The wire, from both sides.
//!
//! Of an input that several pieces are made of, each begins with its kind and the length in two bytes. Pieces of one kind
//! are bytes as they are; others get a checksum and are packed as a frame, since chance would not find one.

use super::read;
use device::{About, Device, Learning};
use host::data::PIXELS;
use host::device::{Client, Line, Timing, Which};
use host::model::File;
use minnet::prelude::*;
use minnet::quant::Quantized;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;
use wire::image::{PACKED_MAX, pack, unpack};
use wire::{ANSWER_MAX, Answer, Buffers, Frame, REQUEST_MAX, Receiver, Refusal, Request, Server, Service};

/// Bytes between two zeros, as a request and as an answer; and as an image.
pub fn frame(bytes: &[u8]) {
    let mut buffer = [0; REQUEST_MAX];
    if let Ok(frame) = Frame::<Request>::decode(&mut bytes.to_vec()) {
        let encoded = frame.encode(&mut buffer).expect("a request that came in a frame").to_vec();
        // Numbers may have been longer than need be, and are not numbers where they are compared.
        let mut inner = encoded[1..encoded.len() - 1].to_vec();
        let again = Frame::<Request>::decode(&mut inner).expect("what was encoded");
        assert_eq!(again.encode(&mut buffer).expect("the same"), encoded);
    }
    let mut framed = framed(bytes);
    if let Ok(frame) = Frame::<Answer>::decode(&mut framed) {
        let mut buffer = vec![0; 2 * bytes.len() + 64];
        let encoded = frame.encode(&mut buffer).expect("an answer that came in a frame").to_vec();
        let mut inner = encoded[1..encoded.len() - 1].to_vec();
        let again = Frame::<Answer>::decode(&mut inner).expect("what was encoded");
        let mut buffer = vec![0; 2 * bytes.len() + 64];
        assert_eq!(again.encode(&mut buffer).expect("the same"), encoded);
    }
    let mut pixels = [0; PIXELS];
    if unpack(bytes, &mut pixels).is_ok() {
        let mut packed = [0; PACKED_MAX];
        let mut again = [1; PIXELS];
        assert_eq!(unpack(pack(&pixels, &mut packed), &mut again), Ok(()));
        assert_eq!(again, pixels);
    }
}

/// What stands between a frame's zeros, with a checksum.
fn framed(body: &[u8]) -> Vec<u8> {
    let sum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(body);
    let whole = [body, &sum.to_le_bytes()].concat();
    let mut packed = vec![0; cobs::max_encoding_length(whole.len())];
    let length = cobs::encode(&whole, &mut packed);
    packed.truncate(length);
    packed
}

/// The pieces of an input, with their kinds.
fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[kind, low, high], rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        bytes = rest;
        Some((kind, piece))
    })
}

type Image = [[[f32; 1]; 28]; 28];
type Layers = seq![Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 12, MaxPool2, Relu>, Flatten, Dense<192, 10, Softmax>];

type Network = Net<Image, Layers>;

fn bundled(name: &str) -> File {
    File::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name)).expect("a bundled model")
}

/// Bytes that a device gets.
pub fn device(bytes: &[u8]) {
    static FILES: LazyLock<[File; 2]> =
        LazyLock::new(|| ["digits-small.minnet", "digits-small-int8.minnet"].map(bundled));
    static FLOATS: LazyLock<&Network> = LazyLock::new(|| FILES[0].model().expect("a model").net);
    static INTEGERS: LazyLock<Quantized<'_, Network>> = LazyLock::new(|| FILES[1].quantized().expect("a model"));
    let about = About { board: "this machine", flash: 0, ram: 0, stack: &|| 0, ticks: &|| 0 };
    let (mut pixels, mut buffers, mut learning) = ([0; PIXELS], Buffers::ZERO, Box::new(Learning::ZERO));
    let device = Device::new(about, *FLOATS, *INTEGERS, &mut [], Some(&mut learning), &mut pixels);
    let mut server = Server::new(device, &mut buffers);
    for (kind, piece) in pieces(bytes).take(16) {
        let framed = if kind % 2 == 0 { piece.to_vec() } else { [&[0], &framed(piece)[..], &[0]].concat() };
        for &byte in &framed {
            check_answer(server.push(byte));
        }
    }
    // Whatever came, the next conversation is as the first.
    ask(&mut server, 0, Request::Who, |answer| matches!(answer, Answer::Identity(_)));
    ask(&mut server, 1, Request::Hash(Which::Embedded), |answer| matches!(answer, Answer::Hash(_)));
    ask(&mut server, 3, Request::Who, |answer| *answer == Answer::Refused(Refusal::Order));
}

/// An answer is a whole frame, or nothing.
fn check_answer(answer: &[u8]) {
    if let [first, inner @ .., last] = answer {
        assert!(*first == 0 && *last == 0 && answer.len() <= ANSWER_MAX);
        Frame::<Answer>::decode(&mut inner.to_vec()).expect("an answer");
    } else {
        assert!(answer.is_empty());
    }
}

/// Asks, and looks at the answer.
fn ask(
    server: &mut Server<'_, impl Service>,
    number: u32,
    request: Request<'_>,
    is_right: impl FnOnce(&Answer<'_>) -> bool,
) {
    const SESSION: u32 = 0x1234_5678;
    let mut buffer = [0; REQUEST_MAX];
    let request = Frame::new(SESSION, number, request).encode(&mut buffer).expect("a short request");
    let mut answer = Vec::new();
    request.iter().for_each(|&byte| answer.extend_from_slice(server.push(byte)));
    // Between its zeros; what was garbled before ends with the first zero, and is answered, too.
    let start = answer.len() - 1 - answer.iter().rev().skip(1).take_while(|&&byte| byte != 0).count();
    let inner = start..answer.len() - 1;
    let frame = Frame::<Answer>::decode(&mut answer[inner]).expect("an answer");
    assert_eq!((frame.session, frame.number), (SESSION, number));
    assert!(is_right(&frame.message), "{:?}", frame.message);
}

/// Bytes that a PC gets.
pub fn client(bytes: &[u8]) {
    let pieces: VecDeque<(u8, Vec<u8>)> = pieces(bytes).take(32).map(|(kind, piece)| (kind, piece.to_vec())).collect();
    let line = Scripted { pieces, asked: (0, 0), ready: VecDeque::new() };
    let timing = Timing { again: Duration::ZERO, patience: Duration::ZERO };
    let Some((mut client, _)) = read(Client::connect(Box::new(line), "a line", timing)) else { return };
    let image = [7; PIXELS];
    for round in 0..4 {
        if let Some(outputs) = read(client.classify(Which::Embedded, &image)) {
            let _ = (read(client.numbers(&outputs)), outputs.logits());
        }
        let _ = read(client.reset(round, &Sgd::new(0.1, 1)));
        let _ = read(client.learn(&image, 3));
        let _ = read(client.hash(Which::Learning));
    }
}

/// A device that says what it was told to.
struct Scripted {
    pieces: VecDeque<(u8, Vec<u8>)>,
    /// The session and the number of the last request.
    asked: (u32, u32),
    ready: VecDeque<u8>,
}

impl Line for Scripted {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut receiver = Receiver::<REQUEST_MAX>::new();
        for frame in bytes.iter().filter_map(|&byte| {
            let frame: Frame<Request> = Frame::decode(receiver.push(byte)?).expect("a request");
            Some((frame.session, frame.number))
        }) {
            self.asked = frame;
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
        if self.ready.is_empty() {
            let (kind, piece) = self.pieces.pop_front().ok_or(io::ErrorKind::UnexpectedEof)?;
            if kind % 2 == 0 {
                self.ready.extend(piece);
            } else {
                // An answer to what was asked, if its message is one.
                let mut body = vec![wire::VERSION];
                let (session, number) = self.asked;
                [session, number].into_iter().for_each(|number| varint(number, &mut body));
                self.ready.push_back(0);
                self.ready.extend(framed(&[&body[..], &piece].concat()));
                self.ready.push_back(0);
            }
        }
        let count = self.ready.len().min(buffer.len());
        buffer.iter_mut().zip(self.ready.drain(..count)).for_each(|(place, byte)| *place = byte);
        Ok(count)
    }
}

/// Seven bits to a byte, the lowest first.
fn varint(mut value: u32, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
