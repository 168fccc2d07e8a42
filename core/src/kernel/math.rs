//! e^x, σ and tanh in plain multiplications and additions: the same bits on every target, and free of branches, so
//! that loops over them become vectors. Square roots and logarithms are rare here, and libm's.

/// 1.5·2²³: adding and subtracting it rounds a small number to the nearest integer.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has few enough bits that n·LN_2_HIGH is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// e^x to 2 units in the last place. Below -87 it gives e^-87 and above 88 e^88: never 0, never infinite; a NaN
/// stays one.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    // e^x = 2^n·e^r with |r| ≤ ½ ln 2. The integer n sits in the low bits of the sum.
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    // A minimax polynomial for (e^r - 1 - r) / r² (Cephes, expf).
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5e-1;
    let e_r = p * (r * r) + r + 1.0;
    // 2^n by its exponent bits: -126 ≤ n ≤ 127 because x was clamped.
    let power = (shifted.to_bits() << 23).wrapping_add(127 << 23);
    e_r * f32::from_bits(power)
}

/// σ(z) = 1 / (1 + e^-z).
#[inline(always)]
pub(crate) fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + exp(-z))
}

/// tanh z to 4 units in the last place: an odd polynomial near 0 (Cephes, tanhf), 1 - 2/(e^2z + 1) elsewhere.
#[inline(always)]
pub(crate) fn tanh(z: f32) -> f32 {
    let s = z * z;
    let p = -5.704_988_6e-3;
    let p = p * s + 2.063_909e-2;
    let p = p * s - 5.373_971_7e-2;
    let p = p * s + 1.333_144_2e-1;
    let p = p * s - 3.333_328e-1;
    let near = p * s * z + z;
    let far = 1.0 - 2.0 / (exp(2.0 * z.abs()) + 1.0);
    let far = if z < 0.0 { -far } else { far };
    if z.abs() < 0.625 { near } else { far }
}

/// √x.
pub(crate) fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}

/// The natural logarithm.
pub(crate) fn ln(x: f32) -> f32 {
    libm::logf(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance in units in the last place of `exact`.
    fn ulps(value: f32, exact: f64) -> f64 {
        let unit = f64::from(f32::from_bits((exact as f32).abs().to_bits() + 1)) - f64::from((exact as f32).abs());
        (f64::from(value) - exact).abs() / unit
    }

    #[test]
    fn exp_is_within_two_units() {
        for step in -870_000..=880_000 {
            let x = step as f32 / 10_000.0;
            assert!(ulps(exp(x), libm::exp(f64::from(x))) <= 2.0, "exp({x}) = {}", exp(x));
        }
    }

    #[test]
    fn exp_saturates_and_keeps_nan() {
        assert_eq!(exp(f32::NEG_INFINITY), exp(-87.0));
        assert_eq!(exp(f32::INFINITY), exp(88.0));
        assert!(exp(f32::MAX).is_finite() && exp(f32::MIN) > 0.0 && exp(f32::NAN).is_nan());
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn tanh_is_within_four_units() {
        for step in -200_000..=200_000 {
            let z = step as f32 / 10_000.0;
            assert!(ulps(tanh(z), libm::tanh(f64::from(z))) <= 4.0, "tanh({z}) = {}", tanh(z));
        }
        assert_eq!(tanh(f32::INFINITY), 1.0);
        assert!(tanh(1e-6) == 1e-6 && tanh(f32::NAN).is_nan());
    }

    #[test]
    fn sigmoid_is_near_the_exact_one() {
        for step in -30_000..=30_000 {
            let z = step as f32 / 1000.0;
            let exact = 1.0 / (1.0 + libm::exp(-f64::from(z)));
            assert!(ulps(sigmoid(z), exact) <= 4.0, "sigmoid({z}) = {}", sigmoid(z));
        }
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::NEG_INFINITY) > 0.0);
    }
}
