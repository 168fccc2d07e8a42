//! `host device` without a device, and with one behind a pair of pseudo-terminals that runs the firmware's service.

use super::program::Place;
use std::time::{Duration, Instant};

#[track_caller]
fn assert_fails(line: &str, words: &[&str]) {
    let place = Place::new();
    // The first test that asks has the program built, which is none of its own time.
    place.command(line);
    let start = Instant::now();
    let run = place.run(line);
    assert!(start.elapsed() < Duration::from_secs(20), "{line}: {:?}", start.elapsed());
    assert!(run.code.is_some_and(|code| code == 1 || code == 2), "{line}: {:?}", run.code);
    assert_eq!(run.stdout, "", "{line}");
    for words in words {
        assert!(run.stderr.contains(words), "{line}: {words:?} is not in {:?}", run.stderr);
    }
}

#[test]
fn a_device_must_be_named_and_be_there() {
    assert_fails("device info", &["--port"]);
    assert_fails("device --port p --tcp 127.0.0.1:1 info", &["cannot be used with"]);
    assert_fails("device --port no-such-port info", &["error: no-such-port: cannot be opened", "check the cable"]);
    // Nobody listens at the port of the discard protocol.
    assert_fails("device --tcp 127.0.0.1:9 info", &["error: 127.0.0.1:9: cannot connect", "cargo xtask device BOARD"]);
    assert_fails("device --tcp no-port info", &["error: no-port: cannot connect", "check the address"]);
    assert_fails("device --port p classify no-such.png", &["error: no-such.png: cannot be read"]);
    assert_fails("device --port p eval --model no-such.minnet", &["error: no-such.minnet: cannot be read"]);
}

#[cfg(unix)]
mod terminals {
    use super::super::program::{BUNDLED_MODEL, DIGITS, enlarged};
    use super::*;
    use serialport::{SerialPort, TTYPort};
    use std::io::{Read, Write};
    use std::thread;

    /// A serial port on whose other side the firmware's service answers the first `bytes` bytes, and then nobody.
    fn device(bytes: usize) -> (TTYPort, String) {
        let (mut master, slave) = TTYPort::pair().unwrap();
        let name = slave.name().unwrap();
        thread::spawn(move || {
            let mut server = tests::device::server();
            let mut byte = [0];
            for _ in 0..bytes {
                // A terminal that nobody has open gives errors or nothing; the test ends this thread.
                match master.read(&mut byte) {
                    Ok(1) => master.write_all(server.push(byte[0])).unwrap(),
                    _ => thread::sleep(Duration::from_millis(1)),
                }
            }
            // Open, and silent.
            thread::sleep(Duration::from_secs(600));
            drop(master);
        });
        (slave, name)
    }

    #[test]
    fn a_device_says_who_it_is() {
        let (_open, port) = device(usize::MAX);
        let text = Place::new().succeed(&format!("device --port {port} info"));
        for words in
            ["this machine", "784: dense 30 sigmoid, dense 10 sigmoid, cross-entropy", "95,440 bytes of weights"]
        {
            assert!(text.contains(words), "{words:?} is not in {text}");
        }
    }

    #[test]
    fn a_device_is_evaluated_on_a_bad_line() {
        let (_open, port) = device(usize::MAX);
        let report = Place::new().json(&format!("device --port {port} --faults 1000 eval --images 20 --data @data"));
        assert_eq!((&report["images"], &report["agree"]), (&20.into(), &20.into()), "{report}");
    }

    #[test]
    fn a_device_trains_and_its_model_is_saved() {
        let (_open, port) = device(usize::MAX);
        let place = Place::new();
        let line = format!("device --port {port} train --images 100 --seed 5 --data @data --out there.minnet");
        let report = place.json(&line);
        assert_eq!(report["images"], 100);
        assert_eq!(report["weight_hash"], report["device_weight_hash"]);
        let here = "train --net 784-30-10 --images 100 --epochs 1 --batch 1 --eta 0.1 --seed 5 --data @data";
        assert_eq!(report["weight_hash"], place.json(here)["weight_hash"]);
        place.succeed("eval there.minnet --data @data");
    }

    #[test]
    fn a_device_classifies_pictures() {
        let (_open, port) = device(usize::MAX);
        let place = Place::new();
        place.write_png("seven.png", 280, &enlarged(&DIGITS.images[0], 10));
        let there = place.succeed(&format!("device --port {port} classify seven.png"));
        assert_eq!(there, place.succeed(&format!("classify {BUNDLED_MODEL} seven.png")));
    }

    #[test]
    fn a_device_with_another_model_is_told() {
        let (_open, port) = device(usize::MAX);
        let place = Place::new();
        place.succeed("train --net 784-10 --data @data --images 50 --epochs 1 --out other.minnet");
        let run = place.run(&format!("device --port {port} eval --model other.minnet --data @data"));
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains("other.minnet: the model is of another network (784: dense 10"), "{}", run.stderr);
    }

    #[test]
    fn a_device_that_falls_silent_is_given_up_and_the_results_so_far_are_kept() {
        let (_open, port) = device(2000);
        let run = Place::new().run(&format!("device --port {port} eval --images 50 --data @data --json"));
        assert_eq!(run.code, Some(1));
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let images = report["images"].as_u64().unwrap();
        assert!((1..50).contains(&images) && report["agree"] == images, "{report}");
        assert!(run.stderr.contains(&format!("error: {port}: no answer in 15.0 s")), "{}", run.stderr);
    }

    #[test]
    fn a_device_that_never_answers_is_given_up() {
        let (_open, port) = device(0);
        assert_fails(&format!("device --port {port} info"), &["no answer in 4.5 s", "check that it is connected"]);
    }
}
