//! Global average pooling in integers.

use super::kernel::{halves, halves_mut, place};
use super::ops::{Layout, Next};
use crate::op::GlobalAvgPool;

/// Computes the mean of each channel, rounded to the nearest activation, halves up.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn run(op: GlobalAvgPool, front: &[u32], back: &mut [u32], next: Next) {
    let layout = Layout::of_pool(op);
    let (values, means) = (halves(front).as_flattened(), halves_mut(back).as_flattened_mut());
    let count = (op.height * op.width).max(1) as u32;
    for channel in 0..op.channels {
        let pixels = values.get(..layout.len).unwrap_or(&[]).iter();
        let channels = pixels.skip(place(channel, layout.is_grouped())).step_by(layout.pixel);
        let sum: u32 = channels.map(|value| u32::from(*value as u16)).sum();
        if let Some(mean) = means.get_mut(place(channel, matches!(next, Next::Vector))) {
            *mean = ((2 * sum + count) / (2 * count)) as u16;
        }
    }
}
