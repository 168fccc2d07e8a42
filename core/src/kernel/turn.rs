//! Rows of numbers into columns: sums that run along the rows then have vectors across them.

use super::vector::Vector;

/// The values from `first` on, at most `N`.
#[inline(always)]
pub(crate) fn block<const N: usize>(values: &[f32], first: usize) -> &[f32] {
    values.get(first..values.len().min(first + N)).unwrap_or(&[])
}

/// Writes the values of some rows of equal length, at most `ROWS`, from `first` on by columns.
#[inline(always)]
pub(crate) fn turn<V: Vector, R: AsRef<[f32]>, const ROWS: usize, const COLUMNS: usize>(
    rows: &[R],
    first: usize,
    turned: &mut [[f32; ROWS]; COLUMNS],
) {
    let (sixteens, rest) = rows.as_chunks::<16>();
    for (rows, number) in sixteens.iter().zip(0..) {
        let mut known = 0;
        for square in 0..COLUMNS / 16 {
            let runs = rows.each_ref().map(|row| block::<COLUMNS>(row.as_ref(), first).as_chunks::<16>().0.get(square));
            if runs.iter().any(|run| run.is_none()) {
                break;
            }
            let turns = V::transpose(runs.map(|run| run.unwrap_or(&[0.0; 16])), |column, values| {
                let run = turned.get_mut(16 * square + column);
                if let Some(place) = run.and_then(|run| run.as_chunks_mut::<16>().0.get_mut(number)) {
                    *place = values;
                }
            });
            if !turns {
                break;
            }
            known += 16;
        }
        turn_fours(rows, first, known, 16 * number, turned);
    }
    turn_fours(rest, first, 0, 16 * sixteens.len(), turned);
}

/// As [`turn`], without the first `known` columns. The first of `rows` goes to the place `from`.
#[inline(always)]
fn turn_fours<R: AsRef<[f32]>, const ROWS: usize, const COLUMNS: usize>(
    rows: &[R],
    first: usize,
    known: usize,
    from: usize,
    turned: &mut [[f32; ROWS]; COLUMNS],
) {
    let turned = turned.get_mut(known..).unwrap_or_default();
    let (fours, rest) = rows.as_chunks::<4>();
    let part = |row| block::<COLUMNS>(row, first).get(known..).unwrap_or(&[]);
    for (rows, number) in fours.iter().zip(from / 4..) {
        columns(rows.each_ref().map(|row| part(row.as_ref())), |column, values| {
            if let Some(place) = turned.get_mut(column).and_then(|run| run.as_chunks_mut::<4>().0.get_mut(number)) {
                *place = values;
            }
        });
    }
    for (row, i) in rest.iter().zip(from + 4 * fours.len()..) {
        for (value, turned) in part(row.as_ref()).iter().zip(turned.iter_mut()) {
            if let Some(place) = turned.get_mut(i) {
                *place = *value;
            }
        }
    }
}

/// Turns four rows of equal length: `column` is given the number of each column, and its four values.
#[inline(always)]
pub(crate) fn columns(rows: [&[f32]; 4], mut column: impl FnMut(usize, [f32; 4])) {
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<4>());
    for ((((a, b), c), d), first) in a.0.iter().zip(b.0).zip(c.0).zip(d.0).zip((0..).step_by(4)) {
        for (values, offset) in transpose([*a, *b, *c, *d]).into_iter().zip(0..) {
            column(first + offset, values);
        }
    }
    let rest = 4 * a.0.len();
    for ((((a, b), c), d), offset) in a.1.iter().zip(b.1).zip(c.1).zip(d.1).zip(0..) {
        column(rest + offset, [*a, *b, *c, *d]);
    }
}

/// Turns a block of 4x4 numbers.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::x86::transpose;

/// Turns a block of 4x4 numbers.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
#[inline(always)]
fn transpose(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let mut columns = [[0.0; 4]; 4];
    for (r, row) in rows.iter().enumerate() {
        for (column, value) in columns.iter_mut().zip(row) {
            column[r] = *value;
        }
    }
    columns
}
