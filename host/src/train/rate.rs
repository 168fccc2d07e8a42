//! The learning rate as a run goes on.

use super::Hyper;
use serde::Serialize;

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// From the first to the last ([`Hyper::final_eta`]) epoch by epoch, in equal ratios; without a last it stays.
    #[default]
    Geometric,
    /// From the first to the last, 0 if there is none, by mini-batch, along half a period of a cosine (Loshchilov and
    /// Hutter 2017).
    Cosine,
    /// Halved after each [`Hyper::patience`] epochs in a row without a better validation accuracy; the run ends when 1/128
    /// of the first is reached: the exercise in the book's chapter 3.
    Halving,
}

/// Halvings that end a run.
const HALVINGS: u32 = 7;

/// Where a run's learning rate is.
pub(super) struct Rate<'a> {
    hyper: &'a Hyper,
    /// Mini-batches in an epoch.
    batches: usize,
    halvings: u32,
    /// The number of the epoch after which it was halved last.
    halved: u32,
}

impl<'a> Rate<'a> {
    pub(super) fn new(hyper: &'a Hyper, batches: usize) -> Self {
        Self { hyper, batches, halvings: 0, halved: 0 }
    }

    /// Halvings, and the number of the epoch after which it was halved last.
    pub(super) fn halvings(&self) -> [u32; 2] {
        [self.halvings, self.halved]
    }

    /// Takes them back.
    pub(super) fn set_halvings(&mut self, [halvings, halved]: [u32; 2]) {
        (self.halvings, self.halved) = (halvings.min(HALVINGS), halved);
    }

    /// η of a mini-batch, counted from 0 in an epoch that is.
    pub(super) fn eta(&self, epoch: u32, batch: usize) -> f32 {
        let Hyper { epochs, eta, final_eta, schedule, warmup, .. } = *self.hyper;
        let step = epoch as usize * self.batches + batch;
        let warming = (warmup * self.batches as f32) as usize;
        let eta = match schedule {
            Schedule::Geometric => between(eta, final_eta.unwrap_or(eta), epoch, epochs),
            Schedule::Cosine => {
                let steps = (epochs as usize * self.batches).saturating_sub(warming).max(1);
                let way = step.saturating_sub(warming) as f32 / steps as f32;
                let last = final_eta.unwrap_or(0.0);
                // libm's, so that the bits are the same on every system.
                last + (eta - last) * 0.5 * (1.0 + libm::cosf(core::f32::consts::PI * way))
            }
            Schedule::Halving => eta / (1 << self.halvings) as f32,
        };
        if step < warming { eta * (step + 1) as f32 / warming as f32 } else { eta }
    }

    /// η of an epoch, counted from 0: the greater of its first and its last mini-batch's.
    pub(super) fn of_epoch(&self, epoch: u32) -> f32 {
        self.eta(epoch, 0).max(self.eta(epoch, self.batches.saturating_sub(1)))
    }

    /// Whether patience is at an end after epoch `number`, counted from 1, if `best` is the number of the best. With the
    /// schedule that halves it is so only after the last halving.
    pub(super) fn is_over(&mut self, number: u32, best: u32) -> bool {
        let Some(patience) = self.hyper.patience else { return false };
        if number.saturating_sub(best.max(self.halved)) < patience {
            return false;
        }
        (self.halvings, self.halved) = (self.halvings + 1, number);
        self.hyper.schedule != Schedule::Halving || self.halvings >= HALVINGS
    }
}

/// The learning rate of an epoch, counted from 0, that goes from `first` to `last` in equal ratios.
pub(crate) fn between(first: f32, last: f32, epoch: u32, epochs: u32) -> f32 {
    if first == last || epochs <= 1 {
        return first;
    }
    // libm's, so that the bits are the same on every system.
    first * libm::powf(last / first, epoch as f32 / (epochs - 1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_rates(hyper: &Hyper, expected: &[f32]) {
        let rate = Rate::new(hyper, 4);
        for (step, expected) in expected.iter().enumerate() {
            let found = rate.eta((step / 4) as u32, step % 4);
            assert!((found - expected).abs() < 1e-6, "step {step}: {found}, not {expected}");
        }
    }

    #[test]
    fn schedules_by_hand() {
        let hyper = Hyper { epochs: 2, eta: 0.8, ..Hyper::default() };
        assert_rates(&hyper, &[0.8; 8]);
        let geometric = Hyper { final_eta: Some(0.2), ..hyper.clone() };
        assert_rates(&geometric, &[0.8, 0.8, 0.8, 0.8, 0.2, 0.2, 0.2, 0.2]);
        // In steps of an eighth of a half turn.
        let cosine = Hyper { schedule: Schedule::Cosine, ..hyper.clone() };
        let half = 0.5_f32.sqrt();
        let eighth = (std::f32::consts::PI / 8.0).cos();
        assert_rates(&cosine, &[0.8, 0.4 + 0.4 * eighth, 0.4 + 0.4 * half]);
        let rate = Rate::new(&cosine, 4);
        assert!((rate.eta(1, 0) - 0.4).abs() < 1e-6 && (rate.eta(1, 3) - (0.4 - 0.4 * eighth)).abs() < 1e-6);
        // A warm-up of four steps, then the whole of the cosine in the other four, down to 0.4.
        let warm = Hyper { schedule: Schedule::Cosine, warmup: 1.0, final_eta: Some(0.4), ..hyper };
        assert!((Rate::new(&warm, 4).of_epoch(0) - 0.8).abs() < 1e-6);
        assert_rates(&warm, &[0.2, 0.4, 0.6, 0.8, 0.8, 0.6 + 0.2 * half, 0.6, 0.6 - 0.2 * half]);
    }

    #[test]
    fn halving_waits_and_ends_at_a_128th() {
        let hyper = Hyper { schedule: Schedule::Halving, patience: Some(3), eta: 1.0, ..Hyper::default() };
        let mut rate = Rate::new(&hyper, 1);
        let mut ends = Vec::new();
        for number in 1..=100 {
            // The tenth epoch is the last that is better.
            if rate.is_over(number, number.min(10)) {
                ends.push(number);
                break;
            }
            assert_eq!(rate.eta(number, 0), 0.5_f32.powi((number.max(10) as i32 - 10) / 3));
        }
        assert_eq!(ends, [10 + 7 * 3]);
        // Without that schedule, patience ends the run at once.
        let hyper = Hyper { schedule: Schedule::Geometric, ..hyper };
        assert!(!Rate::new(&hyper, 1).is_over(12, 10) && Rate::new(&hyper, 1).is_over(13, 10));
    }
}
