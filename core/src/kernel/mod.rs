//! The inner loops, and the one order in which they add.
//!
//! Floating-point addition is not associative, so a network's bits depend on the order of its sums. Every kernel
//! keeps the order below, whatever the vector width, the number of threads, or the target; products are rounded
//! before they are added (no fused multiply-add). Vectors run *across* the sums, never along one.
//!
//! 1. **Weighted inputs.** z_j starts at +0, adds x_i·w_ij in ascending i, and adds the bias last. For a
//!    convolution i runs over the filter's rows, its columns, and the input channels, in this nesting.
//! 2. **Gradient of an input.** ∂C/∂x_i starts at +0 and adds δ_j·w_ij in ascending j. For a convolution the
//!    output channels are outermost, then the positions of δ by rows.
//! 3. **Gradient of a weight or bias.** It starts at +0 and adds x_i·δ_j (for a bias, δ_j) over the images of the
//!    mini-batch in order; for a convolution, within an image over the positions of δ by rows (of the pooled map).
//! 4. **The step.** w·decay - rate·gradient, each product rounded ([`Sgd`](crate::sgd::Sgd)).
//! 5. **A term with a factor 0 may be left out.** A sum that starts at +0 never becomes -0 under round-to-nearest,
//!    so adding ±0 changes no bit of it; only an infinite or NaN partner would tell, and a model's weights are
//!    finite. This is what makes black pixels, dropped neurons and switched-off ReLUs cost nothing.
//!
//! Weights are stored input-major: all the weights that leave one input lie side by side. So vectors run across
//! outputs, an input that is zero skips a whole run, and threads share a dense layer's update by cutting along the
//! inputs. A convolution's gradient has its vectors across a filter's row, and is shared by filters.
//!
//! How a kernel works: it finds the values that are not zero (without branches, which the processor would guess wrong),
//! and keeps a [`Tile`](run::Tile) of sums in registers while it goes through them. `naive` has every kernel
//! once more as plain loops, and tests that the bits are the same.

#[cfg(minnet_m4f)]
#[allow(unsafe_code)]
mod arm;
pub(crate) mod conv;
pub(crate) mod dense;
mod device;
pub(crate) mod dropout;
pub(crate) mod math;
#[cfg(test)]
mod naive;
#[allow(unsafe_code)]
pub(crate) mod run;
mod turn;
pub(crate) mod vector;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[allow(unsafe_code)]
pub(crate) mod x86;
