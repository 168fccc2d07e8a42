//! Every damage that one byte can do to a frame, and random ones: detected or harmless, and each request executed once.

use super::*;
use image::{PACKED_MAX, PIXELS, pack};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use std::string::String;
use std::vec::Vec;

/// A digit's worth of ink.
fn digit() -> [u8; PIXELS] {
    core::array::from_fn(|i| if (i / 28) % 3 == 0 && (8..16).contains(&(i % 28)) { (i * 7) as u8 } else { 0 })
}

const NETWORK: Network = Network {
    architecture: "784: dense 30 sigmoid, dense 10 sigmoid",
    cost: "cross-entropy",
    fingerprint: 0x1234_5678,
    bytes: 95_440,
    ram: 3_256,
};

fn requests(packed: &[u8]) -> [Request<'_>; 6] {
    [
        Request::Who,
        Request::Classify { which: Which::Embedded, image: packed },
        Request::Classify { which: Which::Learning, image: &[200] },
        Request::Reset { seed: u64::MAX, rate: 0.1, decay: 1.0 },
        Request::Learn { label: 7, image: packed },
        Request::Hash(Which::Learning),
    ]
}

fn answers(outputs: &[u8]) -> [Answer<'_>; 5] {
    [
        Answer::Identity(Identity {
            board: "STM32F405",
            flash: 500_000,
            ram: 100_000,
            stack: 4_000,
            embedded: NETWORK,
            learning: Some(NETWORK),
            integers: Integers { bytes: 24_164, ram: 1_632 },
        }),
        Answer::Outputs { bytes: outputs, ticks: 2_764_393 },
        Answer::Hash(0x2bc3_aa4a_033f_4ba6),
        Answer::Done,
        Answer::Refused(Refusal::NotReset),
    ]
}

fn encoded(frame: &Frame<impl serde::Serialize>) -> Vec<u8> {
    frame.encode(&mut [0; 2048]).unwrap().to_vec()
}

/// Every way to change one byte: lost, doubled, each other value in its place, and each value before it.
fn damages(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len()).flat_map(move |at| {
        let (before, after) = bytes.split_at(at);
        let (&byte, rest) = after.split_first().unwrap();
        let lost = [before, rest].concat();
        let doubled = [before, &[byte], after].concat();
        let changed = (1..=255).map(move |flip| [before, &[byte ^ flip], rest].concat());
        let inserted = (0..=255).map(move |value| [before, &[value], after].concat());
        [lost, doubled].into_iter().chain(changed).chain(inserted)
    })
}

/// Every message that a receiver finds in `bytes`, followed by the zero that the next frame begins with.
fn received<const N: usize>(bytes: &[u8], mut check: impl FnMut(&mut [u8])) {
    let mut receiver = Receiver::<N>::new();
    for &byte in bytes.iter().chain(&[0]) {
        if let Some(frame) = receiver.push(byte) {
            check(frame);
        }
    }
}

#[test]
fn every_message_comes_back() {
    let mut buffer = [0; PACKED_MAX];
    for message in requests(pack(&digit(), &mut buffer)) {
        let frame = Frame::new(u32::MAX, 300, message);
        let (bytes, mut found) = (encoded(&frame), 0);
        received::<REQUEST_MAX>(&bytes, |bytes| {
            assert_eq!(Frame::decode(bytes), Ok(frame));
            found += 1;
        });
        assert_eq!(found, 1);
    }
    for message in answers(&[3; 40]) {
        let frame = Frame::new(7, 0, message);
        received::<ANSWER_MAX>(&encoded(&frame), |bytes| assert_eq!(Frame::decode(bytes), Ok(frame)));
    }
}

#[test]
fn the_longest_messages_fit() {
    let mut buffer = [0; PACKED_MAX];
    let image = pack(&[255; PIXELS], &mut buffer);
    for message in requests(image) {
        assert!(encoded(&Frame::new(u32::MAX, u32::MAX, message)).len() <= REQUEST_MAX);
    }
    let architecture: String = core::iter::repeat_n('x', 255).collect();
    let network = Network { architecture: &architecture, cost: &architecture[..16], fingerprint: u32::MAX, ..NETWORK };
    let identity = Identity {
        board: &architecture[..32],
        flash: u32::MAX,
        ram: u32::MAX,
        stack: u32::MAX,
        embedded: Network { bytes: u32::MAX, ram: u32::MAX, ..network },
        learning: Some(Network { bytes: u32::MAX, ram: u32::MAX, ..network }),
        integers: Integers { bytes: u32::MAX, ram: u32::MAX },
    };
    assert!(encoded(&Frame::new(u32::MAX, u32::MAX, Answer::Identity(identity))).len() <= ANSWER_MAX);
}

#[test]
fn damage_to_one_byte_of_a_request_is_detected_or_harmless() {
    let mut buffer = [0; PACKED_MAX];
    for message in requests(pack(&digit(), &mut buffer)) {
        let frame = Frame::new(0xdead_beef, 12, message);
        for damaged in damages(&encoded(&frame)) {
            received::<REQUEST_MAX>(&damaged, |bytes| {
                let decoded = Frame::decode(bytes);
                assert!(decoded == Ok(frame) || decoded == Err(Defect::Garbled), "{decoded:?}");
            });
        }
    }
}

#[test]
fn damage_to_one_byte_of_an_answer_is_detected_or_harmless() {
    for message in answers(&[0x3f; 40]) {
        let frame = Frame::new(0xdead_beef, 12, message);
        for damaged in damages(&encoded(&frame)) {
            received::<ANSWER_MAX>(&damaged, |bytes| {
                let decoded = Frame::decode(bytes);
                assert!(decoded == Ok(frame) || decoded == Err(Defect::Garbled), "{decoded:?}");
            });
        }
    }
}

#[test]
fn a_frame_that_is_cut_anywhere_costs_only_itself() {
    let (first, second) = (Frame::new(5, 0, Request::Who), Frame::new(5, 1, Request::Hash(Which::Embedded)));
    let (bytes, next) = (encoded(&first), encoded(&second));
    for cut in 0..bytes.len() {
        let mut decoded = Vec::new();
        received::<REQUEST_MAX>(&[&bytes[..cut], &next].concat(), |bytes| {
            decoded.push(Frame::decode(bytes) == Ok(second))
        });
        assert_eq!(decoded.last(), Some(&true), "cut at {cut}");
    }
}

#[test]
fn noise_without_end_costs_only_itself() {
    let frame = Frame::new(5, 0, Request::Who);
    let noise: Vec<u8> = (0..5000).map(|i| (i % 255) as u8 + 1).collect();
    let mut decoded = Vec::new();
    received::<REQUEST_MAX>(&[noise, encoded(&frame)].concat(), |bytes| {
        decoded.push(Frame::decode(bytes) == Ok(frame))
    });
    assert_eq!(decoded, [false, true]);
}

#[test]
fn another_version_is_told_from_damage() {
    let mut bytes = encoded(&Frame::new(5, 0, Request::Who));
    let length = bytes.len() - 2;
    let plain = cobs::decode_in_place(&mut bytes[1..=length]).unwrap();
    bytes[1] = VERSION + 1;
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[1..=plain - 4]);
    bytes[plain - 3..=plain].copy_from_slice(&crc.to_le_bytes());
    let mut other = [0; 64];
    let length = cobs::encode(&bytes[1..=plain], &mut other);
    let decoded = Frame::<Request>::decode(&mut other[..length]);
    assert_eq!(decoded, Err(Defect::Version(VERSION + 1)));
}

/// Counts what it is asked; its answers depend on all of it.
#[derive(Default)]
struct Counter {
    learned: Vec<u8>,
    outputs: [u8; 4],
}

impl Service for Counter {
    fn answer(&mut self, request: &Request<'_>) -> Answer<'_> {
        match *request {
            Request::Learn { label, .. } => {
                self.learned.push(label);
                self.outputs = (self.learned.len() as u32).to_le_bytes();
                Answer::Outputs { bytes: &self.outputs, ticks: 0 }
            }
            _ => Answer::Done,
        }
    }
}

impl Server<'_, Counter> {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().flat_map(|&byte| self.push(byte).to_vec()).collect()
    }
}

fn learn(number: u32) -> Vec<u8> {
    encoded(&Frame::new(9, number, Request::Learn { label: number as u8, image: &[1, 2, 3] }))
}

#[test]
fn a_repeated_request_is_answered_from_memory() {
    let mut buffers = Buffers::ZERO;
    let mut server = Server::new(Counter::default(), &mut buffers);
    let first = server.take(&encoded(&Frame::new(9, 0, Request::Who)));
    assert_eq!(server.take(&encoded(&Frame::new(9, 0, Request::Who))), first);
    let learned = server.take(&learn(1));
    for _ in 0..3 {
        assert_eq!(server.take(&learn(1)), learned);
    }
    assert_ne!(server.take(&learn(2)), learned);
    assert_eq!(server.service().learned, [1, 2]);
}

#[test]
fn what_does_not_follow_is_refused() {
    let mut buffers = Buffers::ZERO;
    let mut server = Server::new(Counter::default(), &mut buffers);
    let refused = |session, number, why| encoded(&Frame::new(session, number, Answer::Refused(why)));
    assert_eq!(server.take(&learn(1)), refused(9, 1, Refusal::Session));
    server.take(&encoded(&Frame::new(9, 0, Request::Who)));
    assert_eq!(server.take(&learn(2)), refused(9, 2, Refusal::Order));
    let learned = server.take(&learn(1));
    assert_eq!(server.take(&learn(0)), refused(9, 0, Refusal::Order));
    // A refusal does not replace the remembered answer.
    assert_eq!(server.take(&learn(1)), learned);
    assert_eq!(server.take(b"noise\0"), refused(0, 0, Refusal::Garbled));
    server.take(&encoded(&Frame::new(10, 0, Request::Who)));
    assert_eq!(server.take(&learn(2)), refused(9, 2, Refusal::Session));
    assert_eq!(server.service().learned, [1]);
}

#[test]
fn one_byte_s_damage_never_makes_a_request_be_executed_twice_or_otherwise() {
    let request = learn(1);
    for damaged in damages(&request) {
        let mut buffers = Buffers::ZERO;
        let mut server = Server::new(Counter::default(), &mut buffers);
        server.take(&encoded(&Frame::new(9, 0, Request::Who)));
        server.take(&damaged);
        server.take(&request);
        assert_eq!(server.service().learned, [1]);
    }
}

/// Spoils one byte in `rarity`: lost, changed, doubled, or one more before it.
fn spoil(bytes: &[u8], rarity: u32, rng: &mut XorShiftRng) -> Vec<u8> {
    let mut spoiled = Vec::new();
    for &byte in bytes {
        if !rng.next_u32().is_multiple_of(rarity) {
            spoiled.push(byte);
            continue;
        }
        match rng.next_u32() % 4 {
            0 => {}
            1 => spoiled.push(byte ^ 1 << (rng.next_u32() % 8)),
            2 => spoiled.extend([byte, byte]),
            _ => spoiled.extend([rng.next_u32() as u8, byte]),
        }
    }
    spoiled
}

#[test]
fn a_bad_line_delays_and_never_lies() {
    for rarity in [10, 30, 100, 1000] {
        let mut rng = XorShiftRng::seed_from_u64(u64::from(rarity));
        let mut buffers = Buffers::ZERO;
        let mut server = Server::new(Counter::default(), &mut buffers);
        let mut receiver = Receiver::<ANSWER_MAX>::new();
        let mut sent = 0;
        for number in 0..200 {
            let request = if number == 0 { encoded(&Frame::new(9, 0, Request::Who)) } else { learn(number) };
            let mut answered = false;
            while !answered {
                sent += 1;
                assert!(sent < 20_000, "one byte in {rarity}: no answer to request {number}");
                let answer = server.take(&spoil(&request, rarity, &mut rng));
                for byte in spoil(&answer, rarity, &mut rng) {
                    let Some(Ok(frame)) = receiver.push(byte).map(Frame::<Answer>::decode) else { continue };
                    if (frame.session, frame.number) == (9, number) {
                        answered = true;
                        let count = number.to_le_bytes();
                        let expected = Answer::Outputs { bytes: &count, ticks: 0 };
                        assert_eq!(frame.message, if number == 0 { Answer::Done } else { expected });
                    }
                }
            }
        }
        assert_eq!(server.service().learned, (1..200).collect::<Vec<u8>>());
    }
}

#[test]
fn random_bytes_are_neither_a_message_nor_a_panic() {
    let mut rng = XorShiftRng::seed_from_u64(1);
    let mut buffers = Buffers::ZERO;
    let mut server = Server::new(Counter::default(), &mut buffers);
    let none = encoded(&Frame::new(0, 0, Answer::Refused(Refusal::Garbled)));
    for _ in 0..200_000 {
        let answer = server.push((rng.next_u32() >> (rng.next_u32() % 32)) as u8).to_vec();
        assert!(answer.is_empty() || answer == none, "{answer:?}");
    }
    assert!(server.service().learned.is_empty());
}
