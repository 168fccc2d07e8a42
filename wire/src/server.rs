//! The device's side of the conversation: bytes in, bytes out, each request executed once.

use crate::{ANSWER_MAX, Answer, Defect, Frame, REQUEST_MAX, Receiver, Refusal, Request};

/// What executes requests.
pub trait Service {
    /// Executes a request and gives the answer.
    fn answer(&mut self, request: &Request<'_>) -> Answer<'_>;
}

/// The memory of a [`Server`]. It is large for a microcontroller: keep it in a `static`.
pub struct Buffers {
    receiver: Receiver<REQUEST_MAX>,
    answer: [u8; ANSWER_MAX],
    refusal: [u8; 24],
}

impl Buffers {
    /// Before their first use.
    pub const ZERO: Self = Self { receiver: Receiver::new(), answer: [0; ANSWER_MAX], refusal: [0; 24] };
}

/// Receives requests, and has each executed once.
///
/// A request follows the one before if its session is the same and its number one more, or if it is
/// [`Request::Who`] with number 0, which begins a session. Repeated, it gets the answer that it got before.
pub struct Server<'a, S> {
    service: S,
    buffers: &'a mut Buffers,
    /// Session, number, and bytes of the answer in its buffer.
    answered: Option<(u32, u32, usize)>,
}

impl<'a, S: Service> Server<'a, S> {
    /// A server that has received nothing.
    pub const fn new(service: S, buffers: &'a mut Buffers) -> Self {
        Self { service, buffers, answered: None }
    }

    /// What executes the requests.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// Takes a byte from the line, and gives the bytes to send: none, but at a frame's end.
    pub fn push(&mut self, byte: u8) -> &[u8] {
        let Buffers { receiver, answer, refusal } = &mut *self.buffers;
        let Some(bytes) = receiver.push(byte) else { return &[] };
        let frame: Frame<Request> = match Frame::decode(bytes) {
            Ok(frame) => frame,
            Err(Defect::Garbled) => return refuse(refusal, 0, 0, Refusal::Garbled),
            Err(Defect::Version(_)) => return refuse(refusal, 0, 0, Refusal::Version),
        };
        let Frame { session, number, message, .. } = frame;
        match self.answered {
            Some((last_session, last, length)) if (last_session, last) == (session, number) => {
                return answer.get(..length).unwrap_or_default();
            }
            _ if message == Request::Who && number == 0 => {}
            Some((last_session, last, _)) if last_session == session => {
                if last.wrapping_add(1) != number {
                    return refuse(refusal, session, number, Refusal::Order);
                }
            }
            _ => return refuse(refusal, session, number, Refusal::Session),
        }
        let length = match Frame::new(session, number, self.service.answer(&message)).encode(answer) {
            Ok(encoded) => encoded.len(),
            Err(_) => refuse(answer, session, number, Refusal::TooLong).len(),
        };
        self.answered = Some((session, number, length));
        answer.get(..length).unwrap_or_default()
    }
}

/// A refusal's bytes; every buffer here has room for one.
fn refuse(buffer: &mut [u8], session: u32, number: u32, why: Refusal) -> &[u8] {
    Frame::new(session, number, Answer::Refused(why)).encode(buffer).unwrap_or_default()
}
