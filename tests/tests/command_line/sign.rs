//! Signatures of models: made, checked by the program and by the core, and refused where a byte is another.

use super::program::{BUNDLED_MODEL, Place};
use minnet::model::ModelError;
use minnet::model::signed::verify;
use std::fs;

/// The first test of RFC 8032, section 7.1: the signature of nothing.
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SIGNATURE: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
                         d25bf5f0595bbe24655141438e7a100b";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    std::array::from_fn(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
}

#[test]
fn a_signature_is_that_of_the_standard() {
    let (public, signature) = (bytes(PUBLIC), bytes(SIGNATURE));
    assert_eq!(verify(b"", &signature, &public), Ok(()));
    assert_eq!(verify(b"a", &signature, &public), Err(ModelError::Signature));
    for place in 0..64 {
        let mut other = signature;
        other[place] ^= 1;
        assert_eq!(verify(b"", &other, &public), Err(ModelError::Signature), "{place}");
    }
    assert_eq!(verify(b"", &signature, &[0; 32]), Err(ModelError::Signature));
}

#[test]
fn a_model_is_signed_and_its_signature_is_checked() {
    let place = Place::new();
    fs::copy(BUNDLED_MODEL, place.path("m.minnet")).unwrap();
    let said = place.succeed("sign key mine");
    let public = said.trim().strip_prefix("public key: ").unwrap();
    assert!(place.succeed("sign model m.minnet --key mine").contains(public));
    let signature: [u8; 64] = fs::read(place.path("m.minnet.sig")).unwrap().try_into().unwrap();
    let check = format!("sign check m.minnet --public-key {public}");
    assert_eq!(place.succeed(&check), "signed with this key\n");
    let mut model = fs::read(place.path("m.minnet")).unwrap();
    assert_eq!(verify(&model, &signature, &bytes(public)), Ok(()));

    let other = place.run(&format!("sign check m.minnet --public-key {PUBLIC}"));
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("m.minnet: the signature is not that of this file by this key"), "{}", other.stderr);
    let middle = model.len() / 2;
    model[middle] ^= 1;
    assert_eq!(verify(&model, &signature, &bytes(public)), Err(ModelError::Signature));
}

#[test]
fn what_cannot_be_signed_is_said() {
    let place = Place::new();
    fs::copy(BUNDLED_MODEL, place.path("m.minnet")).unwrap();
    place.succeed("sign key mine");
    let secret = fs::read(place.path("mine")).unwrap();
    fs::write(place.path("none"), "not a key").unwrap();
    fs::write(place.path("cut.minnet"), &fs::read(BUNDLED_MODEL).unwrap()[..5000]).unwrap();
    fs::write(place.path("m.minnet.sig"), "short").unwrap();
    let check = format!("sign check m.minnet --public-key {PUBLIC}");
    for (line, words) in [
        ("sign key mine", "mine: "),
        ("sign model m.minnet --key none", "none: not a secret key"),
        ("sign model m.minnet --key nowhere", "nowhere"),
        ("sign model cut.minnet --key mine", "cut.minnet: "),
        (&check, "m.minnet.sig: not a signature: 5 bytes instead of 64"),
        ("sign check m.minnet --public-key abc", "a key is 64 hexadecimal digits"),
    ] {
        let run = place.run(line);
        assert!(run.code.is_some_and(|code| code > 0) && run.stderr.contains(words), "{line}: {}", run.stderr);
    }
    // A key that is there is not written over.
    assert_eq!(fs::read(place.path("mine")).unwrap(), secret);
}
