//! Pictures as people take them: a few of each condition. `cargo run --release -p tests --bin pictures` draws more of them.

use std::sync::LazyLock;
use tests::pictures::{CONDITIONS, OTHERS, Part, Reader, picture, sudoku};

static READER: LazyLock<Reader> = LazyLock::new(|| Reader::new(None).unwrap());

#[test]
fn digits_are_read_in_every_condition() {
    let mut misread = Vec::new();
    let mut sure_and_wrong = 0;
    for &condition in CONDITIONS {
        let picture = picture(condition, 0, Part::Test);
        let outcome = READER.read(&picture);
        let answer = outcome.answer();
        if answer.map(|(digit, _)| digit) != picture.digit {
            sure_and_wrong += usize::from(answer.is_some());
            misread.push((condition.0, picture.digit, outcome));
        }
    }
    assert!(CONDITIONS.len() >= 40 && misread.len() * 20 <= CONDITIONS.len(), "{misread:?}");
    assert!(sure_and_wrong <= 1, "{misread:?}");
}

#[test]
fn what_is_blank_or_several_gets_no_answer() {
    for &condition in OTHERS {
        if ["blank", "blank with a shadow", "word", "two digits", "three digits"].contains(&condition.0) {
            for index in 0..2 {
                let outcome = READER.read(&picture(condition, index, Part::Test));
                assert_eq!(outcome.answer(), None, "{}: {outcome:?}", condition.0);
            }
        }
    }
}

#[test]
fn a_photographed_sudoku_is_read() {
    let [right, all, other] = READER.read_page(&sudoku(0, Part::Test)).unwrap();
    assert!(all > 20 && right * 20 >= all * 19 && other == 0, "{right} of {all}, and {other} in empty cells");
}
