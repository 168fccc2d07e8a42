//! The firmware's service on this machine, asked by the host's client over lines that spoil bytes.

use host::data::{Mnist, default_directory};
use host::device::{Client, Faults, Timing, Which};
use minnet::prelude::*;
use std::sync::LazyLock;
use std::time::Duration;

static MNIST: LazyLock<Mnist> = LazyLock::new(|| Mnist::load(&default_directory().unwrap()).unwrap());

/// Asks again soon: the delays of a spoiled line are longer than that.
const TIMING: Timing = Timing { again: Duration::from_millis(20), patience: Duration::from_secs(60) };

fn connect(one_in: u32) -> Client {
    let line = Faults::new(tests::device::line(), one_in, 3);
    let (client, identity) = Client::connect(Box::new(line), "this machine", TIMING).unwrap();
    let learning = identity.learning.unwrap();
    assert_eq!(
        (learning.architecture.as_str(), learning.cost.as_str()),
        ("784: dense 30 sigmoid, dense 10 sigmoid", "cross-entropy")
    );
    assert_eq!((learning.weight_bytes, identity.embedded.weight_bytes), (95_440, 342_680));
    client
}

#[test]
fn outputs_have_the_host_s_bits_on_a_bad_line() {
    let mut client = connect(500);
    let mut ram = [0.0; 3664];
    for image in &MNIST.test.images[..10] {
        let outputs = client.classify(Which::Embedded, image).unwrap();
        let expected = tests::device::embedded().infer_pixels(image, &mut ram);
        assert_eq!(outputs.values(), expected);
    }
    assert_eq!(client.hash(Which::Embedded).unwrap(), tests::device::embedded().weight_hash());
    let (integers, mut ram) = (tests::device::integers(), [0; 1832]);
    for image in &MNIST.test.images[..10] {
        let outputs = client.classify(Which::Integers, image).unwrap();
        assert_eq!(outputs.logits(), integers.infer_pixels(image, &mut ram));
    }
    assert_eq!(client.hash(Which::Integers).unwrap(), integers.weight_hash());
    assert!(client.repeats() > 0);
}

#[test]
fn learning_gives_the_host_s_weights_on_a_bad_line() {
    let mut client = connect(500);
    let (training, _) = MNIST.train.samples().split_at(300);
    let [there, here] = tests::device::train(&mut client, training).unwrap();
    assert_eq!(there, here);
    assert!(client.repeats() > 0);
    // What was learned can be asked, before and after more is learned from one image.
    let (image, label) = (&MNIST.train.images[0], MNIST.train.labels[0] as u8);
    let outputs = client.classify(Which::Learning, image).unwrap();
    assert_eq!(client.learn(image, label).unwrap().bytes, outputs.bytes);
    assert_ne!(client.classify(Which::Learning, image).unwrap().bytes, outputs.bytes);
}

#[test]
fn what_cannot_be_done_is_refused_in_words() {
    let mut client = connect(0);
    let image = &MNIST.test.images[0];
    let begun = "its network has not begun to learn";
    for error in [
        client.learn(image, 3).unwrap_err(),
        client.classify(Which::Learning, image).unwrap_err(),
        client.hash(Which::Learning).unwrap_err(),
    ] {
        assert!(error.to_string().contains(begun), "{error}");
    }
    let sgd = Sgd::new(0.1, 1);
    client.reset(1, &sgd).unwrap();
    assert!(client.learn(image, 10).unwrap_err().to_string().contains("the image is none for its network"));
    client.learn(image, 7).unwrap();
    // The embedded network works in the memory of the other, which must begin anew.
    client.classify(Which::Embedded, image).unwrap();
    assert!(client.hash(Which::Learning).unwrap_err().to_string().contains(begun));
    client.reset(1, &sgd).unwrap();
    client.hash(Which::Learning).unwrap();
}
