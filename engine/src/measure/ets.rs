//! Exponential smoothing with additive errors: level, trend that may die away, seasons.
//!
//! The models are those of R. J. Hyndman, A. B. Koehler, J. K. Ord and R. D. Snyder, Forecasting
//! with Exponential Smoothing: The State Space Approach, 2008, chapters 2, 5 and 6:
//!
//! ```text
//! y(t) = l(t-1) + phi b(t-1) + s(t-m) + e(t)
//! l(t) = l(t-1) + phi b(t-1) + alpha e(t)
//! b(t) = phi b(t-1) + beta e(t)
//! s(t) = s(t-m) + gamma e(t)
//! ```
//!
//! Errors are linear in the states before the first value, so those are found by least squares for
//! each choice of alpha, beta, gamma and phi; these by the simplex of J. A. Nelder and R. Mead, A
//! simplex method for function minimization, 1965. Which components there are is chosen by AICc.

use super::simplex::minimum;

/// Values below which nothing is fitted.
pub const VALUES_MIN: usize = 12;
/// Seasons that a series must have seen before they are believed.
const SEASONS_MIN: usize = 3;
/// 97.5 % of a normal distribution lie below so many deviations.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Which components a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Whether there is a damped trend.
    pub trend: bool,
    /// Values of a season; 0 for none.
    pub season: usize,
}

/// How fast the components follow the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothing {
    /// Of the level.
    pub alpha: f64,
    /// Of the trend; 0 without one.
    pub beta: f64,
    /// Of the seasons; 0 without.
    pub gamma: f64,
    /// What is left of the trend after a step.
    pub phi: f64,
}

/// A model, fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Its components.
    pub shape: Shape,
    /// How fast they follow.
    pub smoothing: Smoothing,
    /// Level, trend (if any) and seasons, the next one first, behind the last value.
    pub states: Vec<f64>,
    /// Sum of squared errors of one step.
    pub sse: f64,
    /// Values fitted.
    pub values: usize,
}

/// What is expected of a step, with its deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the error.
    pub deviation: f64,
}

impl Shape {
    fn states(self) -> usize {
        1 + usize::from(self.trend) + self.season
    }

    /// Parameters: smoothing, states (seasons add up to 0), and the errors' variance.
    fn parameters(self) -> usize {
        let smoothing = 1 + 2 * usize::from(self.trend) + usize::from(self.season > 0);
        smoothing + self.states() - usize::from(self.season > 0) + 1
    }

    /// A point of the unbounded space of the search as parameters within their bounds.
    fn smoothing(self, point: &[f64]) -> Smoothing {
        let mut rest = point.iter().map(|x| 1.0 / (1.0 + (-x).exp()));
        let mut part = || rest.next().unwrap_or(0.5);
        let alpha = 1e-4 + part() * (1.0 - 2e-4);
        // Beta is at most alpha, and gamma at most 1 - alpha: the usual region.
        let (beta, phi) =
            if self.trend { (part() * alpha, 0.8 + 0.18 * part()) } else { (0.0, 1.0) };
        let gamma = if self.season > 0 { part() * (1.0 - alpha) } else { 0.0 };
        Smoothing { alpha, beta, gamma, phi }
    }
}

/// Runs the recursion from some states; gives the errors, and leaves the last states.
pub fn errors(shape: Shape, by: Smoothing, values: &[f64], states: &mut [f64]) -> Vec<f64> {
    let mut found = Vec::with_capacity(values.len());
    let first_season = 1 + usize::from(shape.trend);
    for (at, value) in values.iter().enumerate() {
        let trend = if shape.trend { by.phi * states[1] } else { 0.0 };
        let season = first_season + if shape.season > 0 { at % shape.season } else { 0 };
        let own = if shape.season > 0 { states[season] } else { 0.0 };
        let error = value - states[0] - trend - own;
        states[0] += trend + by.alpha * error;
        if shape.trend {
            states[1] = trend + by.beta * error;
        }
        if shape.season > 0 {
            states[season] += by.gamma * error;
        }
        found.push(error);
    }
    if shape.season > 0 {
        // The next season first.
        states[first_season..].rotate_left(values.len() % shape.season);
    }
    found
}

/// The fit with the least squared errors for a smoothing: the first states follow from it.
fn fit_states(shape: Shape, by: Smoothing, values: &[f64]) -> Option<Fitted> {
    let size = shape.states();
    let base = errors(shape, by, values, &mut vec![0.0; size]);
    let nothing = vec![0.0; values.len()];
    let mut effects = Vec::with_capacity(size);
    for state in 0..size {
        let mut one = vec![0.0; size];
        one[state] = 1.0;
        effects.push(errors(shape, by, &nothing, &mut one));
    }
    // Errors are base + sum of x times effects: the normal equations of their least squares.
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut matrix = vec![vec![0.0; size + 1]; size];
    for (row, own) in matrix.iter_mut().zip(&effects) {
        for (cell, other) in row.iter_mut().zip(&effects) {
            *cell = dot(own, other);
        }
        row[size] = -dot(own, &base);
    }
    if shape.season > 0 {
        // A level and as many seasons are one too many: seasons add up to 0.
        let first = size - shape.season;
        for cell in matrix[first..].iter_mut().flat_map(|row| &mut row[first..size]) {
            *cell += 1.0;
        }
    }
    let mut states = solved(matrix)?;
    let found = errors(shape, by, values, &mut states);
    let sse = dot(&found, &found);
    let is_finite = sse.is_finite() && states.iter().all(|state| state.is_finite());
    is_finite.then_some(Fitted { shape, smoothing: by, states, sse, values: values.len() })
}

/// Gauss's elimination with pivots; a direction that nothing tells of is left at 0.
fn solved(mut matrix: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = matrix.len();
    let scale = matrix.iter().flatten().fold(0.0_f64, |most, cell| most.max(cell.abs()));
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        matrix.swap(column, pivot);
        let head = matrix[column][column];
        if head.abs() <= scale * 1e-13 {
            continue;
        }
        let own = matrix[column].clone();
        for (row, cells) in matrix.iter_mut().enumerate() {
            if row != column {
                let factor = cells[column] / head;
                for (cell, own) in cells.iter_mut().zip(&own) {
                    *cell -= factor * own;
                }
            }
        }
    }
    let value = |row: usize| {
        let head = matrix[row][row];
        if head.abs() <= scale * 1e-13 { 0.0 } else { matrix[row][size] / head }
    };
    Some((0..size).map(value).collect())
}

/// The best fit of a shape.
#[must_use]
pub fn fit(shape: Shape, values: &[f64]) -> Option<Fitted> {
    let start = |alpha: f64, beta: f64, phi: f64, gamma: f64| {
        let mut point = vec![alpha];
        point.extend(shape.trend.then_some([beta, phi]).into_iter().flatten());
        point.extend((shape.season > 0).then_some(gamma));
        point
    };
    let lost = |point: &[f64]| {
        fit_states(shape, shape.smoothing(point), values).map_or(f64::INFINITY, |fit| fit.sse)
    };
    // Slow and fast: the simplex finds the nearest valley only.
    let starts = [start(-2.0, -2.0, 2.0, -3.0), start(1.0, -1.0, 0.0, -1.0)];
    let best =
        starts.into_iter().map(|start| minimum(&lost, start)).min_by(|a, b| a.1.total_cmp(&b.1))?;
    fit_states(shape, shape.smoothing(&best.0), values)
}

/// The model of a series; none when it is too short. `season` is how many values a season has,
/// if it can have any.
#[must_use]
pub fn model(values: &[f64], season: usize) -> Option<Fitted> {
    if values.len() < VALUES_MIN {
        return None;
    }
    let seasons = season > 1 && values.len() >= SEASONS_MIN * season;
    let mut shapes = Vec::with_capacity(4);
    for season in [0, season].into_iter().take(1 + usize::from(seasons)) {
        shapes.extend([false, true].map(|trend| Shape { trend, season }));
    }
    let fits = shapes.into_iter().filter_map(|shape| fit(shape, values));
    let aicc = |fit: &Fitted| fit.aicc(values);
    fits.min_by(|a, b| aicc(a).total_cmp(&aicc(b)))
}

impl Fitted {
    /// Akaike's criterion, corrected for short series (C. M. Hurvich and C.-L. Tsai, 1989).
    #[expect(clippy::cast_precision_loss, reason = "a series has thousands of values at most")]
    fn aicc(&self, values: &[f64]) -> f64 {
        let (n, k) = (values.len() as f64, self.shape.parameters() as f64);
        if n - k - 1.0 <= 0.0 {
            return f64::INFINITY;
        }
        // A series told exactly has no errors to take the logarithm of.
        let least = 1e-12 * (1.0 + values.iter().map(|y| y * y).sum::<f64>());
        n * (self.sse.max(least) / n).ln() + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0)
    }

    /// The variance of the errors, with as many degrees of freedom as are left.
    #[expect(clippy::cast_precision_loss, reason = "a series has thousands of values at most")]
    fn variance(&self) -> f64 {
        let free = self.values.saturating_sub(self.shape.parameters() - 1).max(1);
        self.sse / free as f64
    }

    /// What is expected of the steps behind the last value: the mean, and the deviation
    /// `sigma sqrt(1 + sum of c(j)^2, j < h)` with `c(j) = alpha + beta (phi + ... + phi^j)`, and
    /// gamma more in whole seasons (chapter 6).
    #[must_use]
    pub fn expected(&self, steps: usize) -> Vec<Expected> {
        let Smoothing { alpha, beta, gamma, phi } = self.smoothing;
        let (season, first) = (self.shape.season, 1 + usize::from(self.shape.trend));
        let sigma = self.variance().sqrt();
        let (mut power, mut sum, mut spread) = (1.0, 0.0, 1.0);
        let mut found = Vec::with_capacity(steps);
        for step in 1..=steps {
            power *= phi;
            sum += power;
            let trend = if self.shape.trend { sum * self.states[1] } else { 0.0 };
            let own = if season > 0 { self.states[first + (step - 1) % season] } else { 0.0 };
            let mean = self.states[0] + trend + own;
            found.push(Expected { mean, deviation: sigma * f64::sqrt(spread) });
            let seasonal = if season > 0 && step % season == 0 { gamma } else { 0.0 };
            let c = alpha + beta * sum + seasonal;
            spread += c * c;
        }
        found
    }
}

#[cfg(test)]
#[path = "ets_tests.rs"]
mod tests;
