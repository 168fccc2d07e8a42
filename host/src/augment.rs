//! The text of an augmentation: "shift 2, rotate 10".

use minnet::augment::Augment;

/// What may stand in a text: a word, its unit, its range, and what it sets.
struct Change {
    word: &'static str,
    unit: &'static str,
    least: f32,
    most: f32,
    set: fn(&mut Augment) -> &mut f32,
}

const CHANGES: [Change; 6] = [
    Change { word: "shift", unit: "pixels", least: 0.0, most: 100.0, set: |augment| &mut augment.shift },
    Change { word: "rotate", unit: "degrees", least: 0.0, most: 180.0, set: |augment| &mut augment.rotate },
    Change { word: "scale", unit: "percent", least: 0.0, most: 90.0, set: |augment| &mut augment.scale },
    Change { word: "shear", unit: "degrees", least: 0.0, most: 60.0, set: |augment| &mut augment.shear },
    Change { word: "elastic", unit: "pixels", least: 0.0, most: 60.0, set: |augment| &mut augment.elastic },
    Change { word: "sigma", unit: "pixels, for elastic", least: 1.0, most: 100.0, set: |augment| &mut augment.sigma },
];

/// Reads an augmentation: words with a number each, set apart by commas.
///
/// # Errors
/// What is wrong, with what may be written instead.
pub fn parse(text: &str) -> Result<Augment, String> {
    let mut augment = Augment::NONE;
    let mut seen = Vec::new();
    for part in text.split(',') {
        let words: Vec<_> = part.split_whitespace().collect();
        let [word, number] = words[..] else {
            return Err(format!("{:?} is not a word and a number; {}", part.trim(), known()));
        };
        let Some(Change { unit, least, most, set, .. }) = CHANGES.iter().find(|change| change.word == word) else {
            return Err(format!("{word:?} is unknown; {}", known()));
        };
        if seen.contains(&word) {
            return Err(format!("{word} stands there twice"));
        }
        seen.push(word);
        let value = number.parse().ok().filter(|value| (least..=most).contains(&value));
        *set(&mut augment) = value.ok_or_else(|| format!("{word} takes a number from {least} to {most} ({unit})"))?;
    }
    Ok(augment)
}

fn known() -> String {
    let words: Vec<_> = CHANGES.iter().map(|change| format!("{} ({})", change.word, change.unit)).collect();
    format!("write some of {}, such as \"shift 2, rotate 10\"", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_set_their_ranges() {
        let all = Augment { shift: 2.0, rotate: 10.5, scale: 10.0, shear: 8.0, elastic: 4.0, sigma: 5.0 };
        assert_eq!(parse("shift 2, rotate 10.5,scale 10 , shear 8,elastic 4, sigma 5"), Ok(all));
        assert_eq!(parse(" elastic 4 "), Ok(Augment { elastic: 4.0, ..Augment::NONE }));
    }

    #[test]
    fn errors_say_what_may_be_written() {
        let known = "shift (pixels), rotate (degrees), scale (percent), shear (degrees), elastic (pixels), sigma";
        for (text, what) in [
            ("", known),
            ("shift", known),
            ("shift 2,", known),
            ("shift 2 3", known),
            ("turn 10", known),
            ("turn 10", "\"turn\" is unknown"),
            ("shift -1", "shift takes a number from 0 to 100 (pixels)"),
            ("scale 91", "scale takes a number from 0 to 90 (percent)"),
            ("rotate NaN", "rotate takes a number"),
            ("sigma 0", "sigma takes a number from 1 to 100"),
            ("shift x", "shift takes a number"),
            ("shift 1, shift 2", "shift stands there twice"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
