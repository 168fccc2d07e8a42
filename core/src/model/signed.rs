//! Models that are signed. A checksum finds what damages a file by chance; a signature tells whose the file is.

use super::{Model, ModelError, QuantizedModel};
use crate::layer::Layer;
use crate::net::Net;
use crate::quant::{QuantLayer, Weights};
use crate::tensor::Tensor;
use ed25519_dalek::{Signature, VerifyingKey};

/// Bytes of a public key.
pub const PUBLIC_KEY: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE: usize = 64;

/// Whether the owner of the public key has signed these bytes (Ed25519, RFC 8032; keys and signatures that many messages would
/// go with are refused).
///
/// # Errors
/// [`ModelError::Signature`].
pub fn verify(bytes: &[u8], signature: &[u8; SIGNATURE], public_key: &[u8; PUBLIC_KEY]) -> Result<(), ModelError> {
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| ModelError::Signature)?;
    key.verify_strict(bytes, &Signature::from_bytes(signature)).map_err(|_| ModelError::Signature)
}

impl<'a, In: Tensor, L: Layer<In>> Model<'a, In, L> {
    /// As [`parse`](Self::parse), for a file that the owner of the public key has signed: nothing else is looked at.
    ///
    /// # Errors
    /// [`ModelError::Signature`]; those of [`parse`](Self::parse).
    pub fn parse_signed(
        bytes: &'a [u8],
        signature: &[u8; SIGNATURE],
        public_key: &[u8; PUBLIC_KEY],
    ) -> Result<Self, ModelError> {
        verify(bytes, signature, public_key)?;
        Self::parse(bytes)
    }
}

impl<'a, In: Tensor, L: QuantLayer<In>, W: Weights> QuantizedModel<'a, Net<In, L>, W> {
    /// As [`parse`](Self::parse), for a file that the owner of the public key has signed: nothing else is looked at.
    ///
    /// # Errors
    /// [`ModelError::Signature`]; those of [`parse`](Self::parse).
    pub fn parse_signed(
        bytes: &'a [u8],
        signature: &[u8; SIGNATURE],
        public_key: &[u8; PUBLIC_KEY],
    ) -> Result<Self, ModelError> {
        verify(bytes, signature, public_key)?;
        Self::parse(bytes)
    }
}
