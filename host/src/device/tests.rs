//! The client against a device in memory: a server whose answers depend on everything that it was asked.

use super::*;
use crate::data::Image;
use crate::error::Error;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wire::{Answer, Buffers, Request, Server, Service};

const TIMING: Timing = Timing { again: Duration::from_millis(5), patience: Duration::from_secs(60) };

/// Labels that were learned, in order, seen from outside.
type Learned = Arc<Mutex<Vec<u8>>>;

/// Answers with the sum of the image, and of how often it has learned.
struct Desk {
    learned: Learned,
    outputs: [u8; 40],
}

impl Service for Desk {
    fn answer(&mut self, request: &Request<'_>) -> Answer<'_> {
        let mut learned = self.learned.lock().unwrap();
        match *request {
            Request::Who => Answer::Identity(IDENTITY),
            Request::Hash(_) => Answer::Hash(0x0123_4567_89ab_cdef),
            Request::Reset { .. } => {
                learned.clear();
                Answer::Done
            }
            Request::Classify { image, .. } | Request::Learn { image, .. } => {
                if let Request::Learn { label, .. } = *request {
                    learned.push(label);
                }
                self.outputs = outputs(image, learned.len());
                Answer::Outputs { bytes: &self.outputs, ticks: 5 }
            }
        }
    }
}

const IDENTITY: wire::Identity = wire::Identity {
    board: "a desk",
    flash: 1,
    ram: 2,
    stack: 3,
    embedded: wire::Network { architecture: "784: dense 10", cost: "", fingerprint: 4, bytes: 5, ram: 6 },
    learning: None,
    integers: wire::Integers { bytes: 7, ram: 8 },
};

fn outputs(packed: &[u8], learned: usize) -> [u8; 40] {
    let sum = packed.iter().fold(0u32, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    std::array::from_fn(|i| (sum >> (i % 4 * 8)) as u8 ^ (learned as u8).wrapping_mul(i as u8))
}

/// A device in memory. It answers at once; where nothing is to be had, time passes.
struct Memory {
    server: Server<'static, Desk>,
    sent: VecDeque<u8>,
    /// Bytes that it takes before the cable is pulled.
    left: usize,
}

impl Memory {
    fn new(learned: &Learned) -> Self {
        let desk = Desk { learned: Arc::clone(learned), outputs: [0; 40] };
        Self { server: Server::new(desk, Box::leak(Box::new(Buffers::ZERO))), sent: VecDeque::new(), left: usize::MAX }
    }
}

impl Line for Memory {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(ErrorKind::BrokenPipe)?;
        for &byte in bytes {
            self.sent.extend(self.server.push(byte));
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        let count = self.sent.len().min(buffer.len());
        if count == 0 {
            std::thread::sleep(patience);
        }
        for (place, byte) in buffer.iter_mut().zip(self.sent.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }
}

/// A digit of some ink, each another.
fn digit(index: usize) -> Image {
    std::array::from_fn(|i| if (i + index).is_multiple_of(7) && i % 28 > 12 { (i + index) as u8 } else { 0 })
}

fn expected(index: usize, learned: usize) -> Vec<u8> {
    outputs(wire::image::pack(&digit(index), &mut [0; wire::image::PACKED_MAX]), learned).to_vec()
}

/// Talks to a device over a line that spoils one byte in so many; gives the requests that were repeated.
fn talk(one_in: u32) -> u64 {
    let learned = Learned::default();
    let line = Faults::new(Memory::new(&learned), one_in, 1);
    let (mut client, identity) = Client::connect(Box::new(line), "a desk", TIMING).unwrap();
    assert_eq!(identity, Identity::from(&IDENTITY));
    client.reset(1, &minnet::prelude::Sgd::new(0.1, 1)).unwrap();
    for index in 0..40 {
        let outputs = client.learn(&digit(index), index as u8).unwrap();
        assert_eq!(outputs.bytes, expected(index, index + 1));
        let outputs = client.classify(Which::Embedded, &digit(index + 1)).unwrap();
        assert_eq!(outputs, Outputs { bytes: expected(index + 1, index + 1), ticks: 5 });
    }
    assert_eq!(client.hash(Which::Learning).unwrap(), 0x0123_4567_89ab_cdef);
    assert_eq!(*learned.lock().unwrap(), (0..40).collect::<Vec<u8>>());
    client.repeats()
}

#[test]
fn every_answer_is_right_and_every_step_is_taken_once() {
    assert_eq!(talk(0), 0);
    for one_in in [1000, 400] {
        assert!(talk(one_in) > 0, "one byte in {one_in}");
    }
}

#[test]
fn a_board_that_never_answers_is_given_up_within_five_seconds() {
    struct Silent;
    impl Line for Silent {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn receive(&mut self, _: &mut [u8], patience: Duration) -> io::Result<usize> {
            std::thread::sleep(patience);
            Ok(0)
        }
    }
    let start = Instant::now();
    let error = Client::connect(Box::new(Silent), "/dev/nothing", Timing::default()).err().unwrap().to_string();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(error.starts_with("/dev/nothing: no answer in 4.5 s; check that"), "{error}");
}

#[test]
fn a_client_that_was_stopped_for_a_while_goes_on() {
    /// The first time, a moment turns out to have been longer than any patience.
    struct Stopped(Box<dyn Line>, bool);
    impl Line for Stopped {
        fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.send(bytes)
        }
        fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
            if !std::mem::replace(&mut self.1, true) {
                std::thread::sleep(Duration::from_millis(300));
                return Ok(0);
            }
            self.0.receive(buffer, patience)
        }
    }
    let timing = Timing { again: Duration::from_millis(50), patience: Duration::from_millis(200) };
    let line = Stopped(Box::new(Memory::new(&Learned::default())), false);
    Client::connect(Box::new(line), "stopped", timing).unwrap();
}

#[test]
fn a_line_of_noise_is_given_up_within_five_seconds_and_its_words_are_told() {
    struct Noise;
    impl Line for Noise {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn receive(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(1));
            let noise = b"\x00\x01\xffpanicked at src/main.rs: out of luck\r\n\x00\x80";
            buffer[..noise.len()].copy_from_slice(noise);
            Ok(noise.len())
        }
    }
    let timing = Timing { patience: Duration::from_millis(200), ..TIMING };
    let error = Client::connect(Box::new(Noise), "noise", timing).err().unwrap().to_string();
    assert!(error.contains("the last it said: panicked at src/main.rs: out of luck;"), "{error}");
}

#[test]
fn a_line_that_damages_every_answer_is_told_from_silence() {
    /// What becomes of the bytes there and back; `None` are lost.
    struct Lossy(Memory, fn(u8) -> Option<u8>, fn(u8) -> Option<u8>);
    impl Line for Lossy {
        fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.send(&bytes.iter().copied().filter_map(self.1).collect::<Vec<u8>>())
        }
        fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
            let count = self.0.receive(buffer, patience)?;
            let left: Vec<u8> = buffer[..count].iter().copied().filter_map(self.2).collect();
            buffer[..left.len()].copy_from_slice(&left);
            Ok(left.len())
        }
    }
    let seven_bits = |byte: u8| Some(byte & 0x7f);
    let no_zeros = |byte: u8| (byte > 0).then_some(byte);
    let timing = Timing { patience: Duration::from_millis(100), ..TIMING };
    for (there, back) in [(Some as fn(u8) -> _, seven_bits as fn(u8) -> _), (Some, no_zeros), (seven_bits, Some)] {
        let line = Lossy(Memory::new(&Learned::default()), there, back);
        let error = Client::connect(Box::new(line), "a desk", timing).err().unwrap().to_string();
        assert!(error.starts_with("a desk: no whole answer in 0.1 s: bytes come, but damaged"), "{error}");
        assert!(error.contains("all 8 bits") && error.contains("flow control"), "{error}");
    }
}

#[test]
fn a_cable_that_is_pulled_is_told_at_once() {
    let mut line = Memory::new(&Learned::default());
    line.left = 500;
    let (mut client, _) = Client::connect(Box::new(line), "a desk", TIMING).unwrap();
    let error = (0..100).find_map(|index| client.learn(&digit(index), 0).err());
    assert!(matches!(error, Some(Error::DeviceGone { .. })), "{error:?}");
}

#[test]
fn a_device_that_starts_anew_is_noticed() {
    struct Restarting(Memory, Memory, usize);
    impl Line for Restarting {
        fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.2 += 1;
            if self.2 == 4 {
                std::mem::swap(&mut self.0, &mut self.1);
            }
            self.0.send(bytes)
        }
        fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
            self.0.receive(buffer, patience)
        }
    }
    let line = Restarting(Memory::new(&Learned::default()), Memory::new(&Learned::default()), 0);
    let (mut client, _) = Client::connect(Box::new(line), "a desk", TIMING).unwrap();
    let error = (0..100).find_map(|index| client.learn(&digit(index), 0).err()).unwrap().to_string();
    assert!(error.contains("it has started anew and forgotten what it had learned"), "{error}");
}

#[test]
fn another_version_of_the_protocol_is_told() {
    struct Other;
    impl Line for Other {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn receive(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
            // COBS of: version 1, two numbers, and their CRC-32.
            let frame = b"\x00\x08\x01\x07\x07\x41\xb0\xa6\x2f\x00";
            buffer[..frame.len()].copy_from_slice(frame);
            Ok(frame.len())
        }
    }
    let error = Client::connect(Box::new(Other), "a desk", TIMING).err().unwrap().to_string();
    assert!(error.contains("speaks version 1 of the protocol, this program version 2"), "{error}");
}

#[test]
fn a_line_over_tcp_carries_bytes_both_ways_until_the_other_end_is_gone() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut line = connect(&listener.local_addr().unwrap().to_string()).unwrap();
    let (mut other, _) = listener.accept().unwrap();
    let mut buffer = [0; 8];
    assert_eq!(line.receive(&mut buffer, Duration::from_millis(1)).unwrap(), 0);
    line.send(b"there").unwrap();
    other.read_exact(&mut buffer[..5]).unwrap();
    assert_eq!(&buffer[..5], b"there");
    other.write_all(b"back").unwrap();
    assert_eq!(line.receive(&mut buffer, Duration::from_secs(10)).unwrap(), 4);
    drop(other);
    assert_eq!(line.receive(&mut buffer, Duration::from_secs(10)).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}
