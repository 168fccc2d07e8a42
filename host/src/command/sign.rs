//! `host sign`

use super::print;
use clap::{Args, Subcommand};
use ed25519_dalek::{Signer, SigningKey};
use minnet::model::signed::{PUBLIC_KEY, SIGNATURE, verify};
use minnet_host::error::{Error, Result};
use minnet_host::file;
use minnet_host::model::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make a secret key, and print the public key that belongs to it
    Key {
        /// The file for the secret key, which must not be there yet: whoever has it can sign in your name
        file: PathBuf,
    },
    /// Sign a model: its signature goes beside it, as MODEL.sig
    Model {
        /// The model file
        model: PathBuf,
        /// The secret key that `host sign key` has made
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Tell whether a model is what the owner of a public key has signed
    Check {
        /// The model file, with MODEL.sig beside it
        model: PathBuf,
        /// The public key, as `host sign key` has printed it
        #[arg(long, value_name = "KEY", value_parser = |text: &str| parse::<PUBLIC_KEY>(text).ok_or(DIGITS))]
        public_key: [u8; PUBLIC_KEY],
    },
}

const DIGITS: &str = "a key is 64 hexadecimal digits";

pub fn run(arguments: Arguments) -> Result<()> {
    match arguments.task {
        Task::Key { file } => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|cause| Error::Random { cause: cause.to_string() })?;
            write_secret(&file, &hexadecimal(&seed))?;
            print(&format!("public key: {}\n", public(&SigningKey::from_bytes(&seed))))
        }
        Task::Model { model, key } => {
            let key = secret(&key)?;
            let signed = File::read(&model)?;
            // What no firmware would take is not worth a signature.
            signed.contents()?;
            let out = signature_of(&model);
            let signature = key.sign(signed.bytes()).to_bytes();
            file::write_atomically(&out, |file| file.write_all(&signature))?;
            print(&format!("signature: {}\npublic key: {}\n", out.display(), public(&key)))
        }
        Task::Check { model, public_key } => {
            let path = signature_of(&model);
            let signature = file::read(&path)?;
            let problem = || Error::Signature { path: path.clone(), found: signature.len() };
            let signature: [u8; SIGNATURE] = signature.as_slice().try_into().map_err(|_| problem())?;
            let file = File::read(&model)?;
            let refused = |cause| Error::Model { path: model.clone(), cause };
            verify(file.bytes(), &signature, &public_key).map_err(refused)?;
            print("signed with this key\n")
        }
    }
}

/// Where the signature of a model lies.
fn signature_of(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Writes a new file that only its owner may read.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || options.open(path)?.write_all(format!("{text}\n").as_bytes());
    write().map_err(|cause| Error::Write { path: path.to_owned(), cause })
}

fn secret(path: &Path) -> Result<SigningKey> {
    let text = file::read(path).map_err(|error| error.about("--key"))?;
    let seed = std::str::from_utf8(&text).ok().and_then(|text| parse(text.trim()));
    seed.map(|seed| SigningKey::from_bytes(&seed)).ok_or_else(|| Error::SecretKey { path: path.to_owned() })
}

fn public(key: &SigningKey) -> String {
    hexadecimal(key.verifying_key().as_bytes())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many bytes as hexadecimal digits.
fn parse<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|&[high, low]| Some((16 * digit(high)? + digit(low)?) as u8)).collect();
    if rest.is_empty() { bytes?.try_into().ok() } else { None }
}
