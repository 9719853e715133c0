//! The lowest point of a function, by the simplex of J. A. Nelder and R. Mead, A simplex method for
//! function minimization, The Computer Journal 7(4), 1965.

/// Evaluations at most.
const STEPS_MAX: usize = 400;
/// The values at the corners differ by no more than this part when the search ends.
const TOLERANCE: f64 = 1e-10;

/// The lowest point found from a start, and its value.
pub fn minimum(of: &impl Fn(&[f64]) -> f64, start: Vec<f64>) -> (Vec<f64>, f64) {
    let mut corners = vec![(start.clone(), of(&start))];
    for axis in 0..start.len() {
        let mut corner = start.clone();
        corner[axis] += 1.0;
        let value = of(&corner);
        corners.push((corner, value));
    }
    for _ in 0..STEPS_MAX {
        corners.sort_by(|a, b| a.1.total_cmp(&b.1));
        let last = corners.len() - 1;
        let (best, worst) = (corners[0].1, corners[last].1);
        if worst - best <= TOLERANCE * (best.abs() + TOLERANCE) {
            break;
        }
        let middle: Vec<f64> = (0..start.len())
            .map(|axis| corners[..last].iter().map(|corner| corner.0[axis]).sum::<f64>())
            .map(|sum| sum / f64::from(u32::try_from(last).unwrap_or(u32::MAX)))
            .collect();
        let along = |far: f64| {
            let far = |(middle, worst): (&f64, &f64)| middle + far * (middle - worst);
            let point: Vec<f64> = middle.iter().zip(&corners[last].0).map(far).collect();
            let value = of(&point);
            (point, value)
        };
        let reflected = along(1.0);
        let next = if reflected.1 < best {
            let expanded = along(2.0);
            if expanded.1 < reflected.1 { expanded } else { reflected }
        } else if reflected.1 < corners[last - 1].1 {
            reflected
        } else {
            along(if reflected.1 < worst { 0.5 } else { -0.5 })
        };
        if next.1 < worst {
            corners[last] = next;
            continue;
        }
        let best = corners[0].0.clone();
        for corner in &mut corners[1..] {
            for (x, best) in corner.0.iter_mut().zip(&best) {
                *x = (*x + best) / 2.0;
            }
            corner.1 = of(&corner.0);
        }
    }
    corners.sort_by(|a, b| a.1.total_cmp(&b.1));
    corners.swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::minimum;

    #[test]
    fn the_lowest_point_of_a_curved_valley_is_found() {
        // Rosenbrock's function: (1, 1).
        let of = |p: &[f64]| (1.0 - p[0]).powi(2) + 100.0 * (p[1] - p[0] * p[0]).powi(2);
        let (point, value) = minimum(&of, vec![-1.2, 1.0]);
        assert!(value < 1e-8 && (point[0] - 1.0).abs() < 1e-3, "{point:?} {value}");
    }

    #[test]
    fn a_function_of_one_variable_and_one_that_is_flat_end() {
        let (point, _) = minimum(&|p: &[f64]| (p[0] - 3.0).abs(), vec![0.0]);
        assert!((point[0] - 3.0).abs() < 1e-6, "{point:?}");
        assert_eq!(minimum(&|_: &[f64]| 2.0, vec![5.0]).1, 2.0);
    }
}
