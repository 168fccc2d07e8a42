//! Axes: a range that takes in all values, and ticks at round numbers.

/// An axis from `low` to `high`, which are logarithms to base 10 if it is logarithmic.
pub(super) struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    pub(super) ticks: Vec<Tick>,
}

/// A marked value on an axis.
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// The largest number an axis takes, so that no sum along it overflows.
pub(super) const LARGEST: f64 = 1e300;

/// About as many ticks as there is room for.
const TICKS: f64 = 7.0;

impl Axis {
    /// An axis for values, none larger than [`LARGEST`] and all positive if it is logarithmic. Without any it goes from 0 to 1, or 1 to 10.
    pub(super) fn new(values: impl Iterator<Item = f64> + Clone, is_log: bool) -> Self {
        let are_whole = !is_log && values.clone().all(|value| value.fract() == 0.0);
        let scaled = values.map(|value| if is_log { value.log10() } else { value });
        let (low, high) = scaled.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (mut low, mut high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        // Equal values need some room around them, more than the rounding of large numbers swallows.
        if high - low <= 1e-9 * low.abs().max(high.abs()) {
            let room =
                if is_log { 0.5 } else { (0.1 * low.abs()).max(if are_whole { 1.0 } else { f64::MIN_POSITIVE }) };
            (low, high) = (low - room, high + room);
        }
        let mut axis = Self { low, high, is_log, ticks: Vec::new() };
        axis.ticks = if is_log { axis.log_ticks() } else { axis.even_ticks(are_whole) };
        axis
    }

    /// Where a value lies, from 0 at the beginning of the axis to 1 at its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.is_log { value.log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }

    /// Ticks at multiples of 1, 2 or 5 times a power of ten; the axis is lengthened to begin and end at one.
    fn even_ticks(&mut self, are_whole: bool) -> Vec<Tick> {
        let step = round_step(self.low, self.high).max(if are_whole { 1.0 } else { 0.0 });
        let (first, last) = ((self.low / step + 1e-9).floor(), (self.high / step - 1e-9).ceil());
        (self.low, self.high) = (first * step, last * step);
        let count = (last - first) as usize;
        (0..=count).map(|i| tick((first + i as f64) * step, step)).collect()
    }

    /// Ticks at powers of ten, with as many steps between as are needed for three ticks in all.
    fn log_ticks(&mut self) -> Vec<Tick> {
        // A little air, lest lines run along the frame.
        let air = 0.03 * (self.high - self.low);
        (self.low, self.high) = (self.low - air, self.high + air);
        let decades = (self.low.floor() as i32)..=(self.high.ceil() as i32);
        let stride = ((self.high - self.low) / 10.0).ceil() as usize;
        for factors in [&[1.0][..], &[1.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]] {
            let all = decades.clone().step_by(stride).flat_map(|decade| {
                factors.iter().map(move |factor| (factor * 10_f64.powi(decade), 10_f64.powi(decade)))
            });
            let ticks: Vec<Tick> = all.filter(|&(value, _)| self.holds(value)).map(|(v, step)| tick(v, step)).collect();
            if ticks.len() >= 3 {
                return ticks;
            }
        }
        // Less than a third of a decade: even steps show it as well.
        let (low, high) = (10_f64.powf(self.low), 10_f64.powf(self.high));
        let step = round_step(low, high);
        let multiples = (low / step).ceil() as i64..=(high / step).floor() as i64;
        multiples.map(|i| tick(i as f64 * step, step)).collect()
    }

    fn holds(&self, value: f64) -> bool {
        (0.0..=1.0).contains(&self.place(value))
    }
}

/// The step of 1, 2 or 5 times a power of ten which parts a range into about [`TICKS`].
fn round_step(low: f64, high: f64) -> f64 {
    let rough = (high - low) / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    factor * power
}

/// A tick labelled with as many decimals as tell it from its neighbours, `step` away.
fn tick(value: f64, step: f64) -> Tick {
    let size = value.abs();
    let label = if size >= 1e6 || (size > 0.0 && size < 1e-4) {
        // Rounded first: 0.30000000000000004 is a sum of steps.
        let digits = ((size / step).log10().ceil().max(0.0) as usize).min(15);
        let label = format!("{value:.digits$e}");
        match label.split_once('e') {
            Some((number, power)) if number.contains('.') => {
                format!("{}e{power}", number.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => label,
        }
    } else {
        let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
        format!("{value:.decimals$}")
    };
    Tick { value, label }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], is_log: bool) -> Vec<String> {
        Axis::new(values.iter().copied(), is_log).ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn even_ticks_are_round_and_take_in_all() {
        assert_eq!(labels(&[0.13, 0.82], false), ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]);
        assert_eq!(labels(&[97.2, 98.8], false), ["97.0", "97.5", "98.0", "98.5", "99.0"]);
        assert_eq!(labels(&[1.0, 30.0], false), ["0", "5", "10", "15", "20", "25", "30"]);
        assert_eq!(labels(&[1.0, 3.0], false), ["1", "2", "3"]);
        assert_eq!(labels(&[-2e7, 3e7], false), ["-2e7", "-1e7", "0", "1e7", "2e7", "3e7"]);
        assert_eq!(labels(&[1.5e-5, 2.5e-5], false)[..3], ["1.4e-5", "1.6e-5", "1.8e-5"]);
    }

    #[test]
    fn log_ticks_are_decades_or_parts_of_them() {
        assert_eq!(labels(&[0.001, 2.0], true), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(&[0.4, 12.0], true), ["0.5", "1", "2", "5", "10"]);
        assert_eq!(labels(&[2.0, 6.0], true), ["2", "3", "4", "5", "6"]);
        assert_eq!(labels(&[0.50, 0.58], true).first().map(String::as_str), Some("0.50"));
        assert!(labels(&[1e-200, 1e200], true).len() < 14);
    }

    #[test]
    fn any_numbers_make_an_axis() {
        for values in
            [&[][..], &[0.0], &[5.0, 5.0], &[-0.3], &[1e300], &[-LARGEST, LARGEST], &[1e-320], &[1e17, 1e17 + 32.0]]
        {
            let axis = Axis::new(values.iter().copied(), false);
            assert!((2..=12).contains(&axis.ticks.len()), "{values:?}: {}", axis.ticks.len());
            assert!(values.iter().all(|&value| (-1e-6..=1.0 + 1e-6).contains(&axis.place(value))), "{values:?}");
        }
        for values in [&[][..], &[1.0], &[1e-300, 1e300], &[3.0, 3.0001]] {
            let axis = Axis::new(values.iter().copied(), true);
            assert!((2..=16).contains(&axis.ticks.len()), "{values:?}: {}", axis.ticks.len());
            assert!(values.iter().all(|&value| axis.holds(value)), "{values:?}");
        }
    }
}
