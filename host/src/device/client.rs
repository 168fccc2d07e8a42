//! The PC's side of the conversation: asks until there is an answer, or no hope of one.

use super::Line;
use crate::data::Image;
use crate::error::{Error, Result};
use minnet::prelude::Sgd;
use serde::Serialize;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};
use wire::image::{PACKED_MAX, pack};
use wire::{ANSWER_MAX, Answer, Defect, Frame, REQUEST_MAX, Receiver, Refusal, Request, VERSION, Which};

/// How long a client waits.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Before it asks again.
    pub again: Duration,
    /// For the first answer, however often it asks, before it gives up.
    pub patience: Duration,
}

/// For an answer of a device that has answered before: an emulator or a debugger may hold it up.
const LATER: Duration = Duration::from_secs(15);

impl Default for Timing {
    /// Asks again after half a second, and gives up within five.
    fn default() -> Self {
        Self { again: Duration::from_millis(500), patience: Duration::from_millis(4500) }
    }
}

/// A conversation with a device.
pub struct Client {
    line: Box<dyn Line>,
    /// What errors call the device.
    name: String,
    timing: Timing,
    session: u32,
    /// The number of the next request.
    number: u32,
    receiver: Receiver<ANSWER_MAX>,
    /// What has come since the last answer: perhaps words.
    heard: Vec<u8>,
    /// Whether something of this came damaged, or is no frame.
    is_damaged: bool,
    /// Requests that were sent again because there was no answer, or not a whole one.
    repeats: u64,
}

/// Who a device is: see [`wire::Identity`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The board's name.
    pub board: String,
    /// Bytes of flash that the firmware takes, weights included.
    pub flash_bytes: u32,
    /// Bytes of RAM that its statics take.
    pub ram_bytes: u32,
    /// The most bytes of stack in use so far.
    pub stack_bytes: u32,
    /// The network that the firmware was built with.
    pub embedded: Network,
    /// The network that learns, if the board has room for one.
    pub learning: Option<Network>,
    /// The same architecture as the embedded network's, in integers.
    pub integers: Integers,
}

/// An integer network on a device: see [`wire::Integers`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Integers {
    /// Bytes of its weights, biases and scales.
    pub weight_bytes: u32,
    /// Bytes of RAM that one inference takes.
    pub ram_bytes: u32,
}

/// A network on a device: see [`wire::Network`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Network {
    /// The architecture in words.
    pub architecture: String,
    /// The name of the cost that it learns with; empty for one that does not learn.
    pub cost: String,
    /// What tells the architecture from others.
    pub fingerprint: u32,
    /// Bytes of its weights and biases.
    pub weight_bytes: u32,
    /// Bytes of RAM that one inference takes.
    pub ram_bytes: u32,
}

/// What a network gave for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// All outputs, as their little-endian bytes.
    pub bytes: Vec<u8>,
    /// Ticks of the device's counter that it took.
    pub ticks: u32,
}

impl Outputs {
    /// An integer network's outputs.
    pub fn logits(&self) -> Vec<i16> {
        self.bytes.as_chunks().0.iter().map(|&bytes| i16::from_le_bytes(bytes)).collect()
    }

    /// A float network's outputs.
    pub fn values(&self) -> Vec<f32> {
        self.bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }
}

impl Client {
    /// Begins a conversation over `line`, with a device that errors call `name`, and asks it who it is.
    ///
    /// # Errors
    /// Those of every request: [`Error::DeviceSilent`], [`Error::DeviceGone`], [`Error::DeviceVersion`],
    /// [`Error::DeviceRefused`].
    pub fn connect(line: Box<dyn Line>, name: &str, timing: Timing) -> Result<(Self, Identity)> {
        // Not secret, only unlike the last one: what a hash map's random keys are for.
        let session = RandomState::new().build_hasher().finish() as u32 | 1;
        let mut client = Self {
            line,
            name: name.to_owned(),
            timing,
            session,
            number: 0,
            receiver: Receiver::new(),
            heard: Vec::new(),
            is_damaged: false,
            repeats: 0,
        };
        let identity = client.identity()?;
        client.timing.patience = client.timing.patience.max(LATER);
        Ok((client, identity))
    }

    /// Who the device is, and what it takes of its memory by now.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn identity(&mut self) -> Result<Identity> {
        self.ask(&Request::Who, |answer| match answer {
            Answer::Identity(identity) => Some(identity.into()),
            _ => None,
        })
    }

    /// What a network on the device makes of an image.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn classify(&mut self, which: Which, image: &Image) -> Result<Outputs> {
        self.ask(&Request::Classify { which, image: pack(image, &mut [0; PACKED_MAX]) }, outputs)
    }

    /// Has the device begin to learn, one image at a time, with a fresh network whose weights are drawn from `seed`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn reset(&mut self, seed: u64, sgd: &Sgd) -> Result<()> {
        let request = Request::Reset { seed, rate: sgd.rate, decay: sgd.decay };
        self.ask(&request, |answer| (*answer == Answer::Done).then_some(()))
    }

    /// Has the device take a step with an image; gives what its network gave before the step.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn learn(&mut self, image: &Image, label: u8) -> Result<Outputs> {
        self.ask(&Request::Learn { label, image: pack(image, &mut [0; PACKED_MAX]) }, outputs)
    }

    /// The hash of the weights of a network on the device.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn hash(&mut self, which: Which) -> Result<u64> {
        self.ask(&Request::Hash(which), |answer| match answer {
            Answer::Hash(hash) => Some(*hash),
            _ => None,
        })
    }

    /// Requests that were sent again because there was no answer, or not a whole one.
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Sends a request until it is answered. `take` gives `None` for an answer to something else.
    fn ask<T>(&mut self, request: &Request<'_>, take: impl Fn(&Answer<'_>) -> Option<T>) -> Result<T> {
        let mut buffer = [0; REQUEST_MAX];
        let encoded = Frame::new(self.session, self.number, request).encode(&mut buffer);
        let bytes = encoded.map_err(|_| self.refused("the request is longer than a frame"))?;
        let deadline = Instant::now() + self.timing.patience;
        // If this program is stopped for a while, time passes in which nobody listens: so it has to listen so often, too.
        let least = self.timing.patience.div_duration_f64(self.timing.again).ceil() as u64;
        let mut rounds = 0;
        loop {
            self.line.send(bytes).map_err(|cause| self.gone(cause))?;
            if let Some(answer) = self.listen(&take)? {
                return Ok(answer);
            }
            self.repeats += 1;
            rounds += 1;
            if Instant::now() >= deadline && rounds >= least {
                let (line, patience, heard) = (self.name.clone(), self.timing.patience, words(&self.heard));
                return Err(if self.is_damaged {
                    Error::DeviceDamaged { line, patience, heard }
                } else {
                    Error::DeviceSilent { line, patience, heard }
                });
            }
        }
    }

    /// Waits for the answer; `None` if it is time to ask again, or if this or what was asked arrived in pieces.
    fn listen<T>(&mut self, take: impl Fn(&Answer<'_>) -> Option<T>) -> Result<Option<T>> {
        let again = Instant::now() + self.timing.again;
        let mut buffer = [0; 256];
        loop {
            let patience = again.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let count = self.line.receive(&mut buffer, patience).map_err(|cause| self.gone(cause))?;
            let arrived = &buffer[..count];
            self.hear(arrived);
            let mut is_garbled = false;
            // Until a frame comes that is whole.
            self.is_damaged |= !arrived.is_empty();
            for &byte in arrived {
                let Some(bytes) = self.receiver.push(byte) else { continue };
                let Frame { session, number, message, .. } = match Frame::<Answer>::decode(bytes) {
                    Ok(frame) => frame,
                    Err(Defect::Version(found)) => {
                        return Err(Error::DeviceVersion { line: self.name.clone(), found, known: VERSION });
                    }
                    Err(Defect::Garbled) => {
                        is_garbled = true;
                        continue;
                    }
                };
                if session == 0 {
                    is_garbled = true;
                    continue;
                }
                self.is_damaged = false;
                if (session, number) == (self.session, self.number) {
                    // A refusal is an answer, too, and the device has counted it.
                    self.number = self.number.wrapping_add(1);
                    self.heard.clear();
                    return match message {
                        Answer::Refused(why) => Err(self.refused(reason(why))),
                        message => match take(&message) {
                            Some(answer) => Ok(Some(answer)),
                            None => {
                                Err(self.refused("it answered something else: build firmware and host from one source"))
                            }
                        },
                    };
                }
            }
            if is_garbled || Instant::now() >= again {
                return Ok(None);
            }
        }
    }

    /// Remembers the last that came, for [`words`].
    fn hear(&mut self, bytes: &[u8]) {
        const REMEMBERED: usize = 1000;
        self.heard.extend_from_slice(bytes);
        self.heard.drain(..self.heard.len().saturating_sub(REMEMBERED));
    }

    /// A float network's outputs.
    ///
    /// # Errors
    /// [`Error::DeviceNotANumber`] if one of them is infinite or not a number.
    pub fn numbers(&self, outputs: &Outputs) -> Result<Vec<f32>> {
        let values = outputs.values();
        if values.iter().all(|value| value.is_finite()) {
            return Ok(values);
        }
        Err(Error::DeviceNotANumber { line: self.name.clone() })
    }

    fn gone(&self, cause: std::io::Error) -> Error {
        Error::DeviceGone { line: self.name.clone(), cause, heard: words(&self.heard) }
    }

    fn refused(&self, why: &'static str) -> Error {
        Error::DeviceRefused { line: self.name.clone(), why }
    }
}

fn outputs(answer: &Answer<'_>) -> Option<Outputs> {
    match *answer {
        Answer::Outputs { bytes, ticks } => Some(Outputs { bytes: bytes.to_vec(), ticks }),
        _ => None,
    }
}

fn reason(why: Refusal) -> &'static str {
    match why {
        Refusal::Session => "it has started anew and forgotten what it had learned: check its power, and start again",
        Refusal::Order => "it has lost count of the requests: start again, with no other program at this port",
        Refusal::NoLearning => "it has no network that learns: take a board with more RAM",
        Refusal::NotReset => "its network has not begun to learn, or was forgotten for the other: begin with a reset",
        Refusal::NoRoom => "it has no room for an inference of its embedded networks: give its firmware a scratch",
        Refusal::Image | Refusal::Label => "the image is none for its network: build firmware and host from one source",
        Refusal::TooLong => "its answer is longer than a frame: name its networks and its board in fewer words",
        // Those come without a request's number.
        Refusal::Garbled | Refusal::Version => "it did not understand: build firmware and host from one source",
    }
}

/// What a device said in words, such as the message of a panic, if that is among the bytes: the last of it, after a
/// comma. Frames have no such long runs of letters.
fn words(bytes: &[u8]) -> String {
    const LONG: usize = 20;
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n');
    let mut runs = bytes.chunk_by(|a, b| is_text(a) && is_text(b));
    let last = runs.rfind(|run| run.len() >= LONG).map(String::from_utf8_lossy);
    last.map_or(String::new(), |text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        format!("; the last it said: {}", words.join(" "))
    })
}

impl From<&wire::Identity<'_>> for Identity {
    fn from(identity: &wire::Identity<'_>) -> Self {
        Self {
            board: identity.board.to_owned(),
            flash_bytes: identity.flash,
            ram_bytes: identity.ram,
            stack_bytes: identity.stack,
            embedded: Network::from(&identity.embedded),
            learning: identity.learning.as_ref().map(Network::from),
            integers: Integers { weight_bytes: identity.integers.bytes, ram_bytes: identity.integers.ram },
        }
    }
}

impl From<&wire::Network<'_>> for Network {
    fn from(network: &wire::Network<'_>) -> Self {
        Self {
            architecture: network.architecture.to_owned(),
            cost: network.cost.to_owned(),
            fingerprint: network.fingerprint,
            weight_bytes: network.bytes,
            ram_bytes: network.ram,
        }
    }
}
