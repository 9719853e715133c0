//! The models against statsmodels 0.15.0 (`ETSModel`), whose figures are written here.
use super::*;

/// Oil production of Saudi Arabia, 1965 to 2013, million tonnes: Hyndman and Athanasopoulos,
/// Forecasting: Principles and Practice, 2nd edition, 7.1, and the documentation of statsmodels.
const OIL: [f64; 49] = [
    111.0091, 130.8284, 141.2871, 154.2278, 162.7409, 192.1665, 240.7997, 304.2174, 384.0046,
    429.6622, 359.3169, 437.2519, 468.4008, 424.4353, 487.9794, 509.8284, 506.3473, 340.1842,
    240.2589, 219.0328, 172.0747, 252.5901, 221.0711, 276.5188, 271.1480, 342.6186, 428.3558,
    442.3946, 432.7851, 437.2497, 437.2092, 445.3641, 453.1950, 454.4096, 422.3789, 456.0371,
    440.3866, 425.1944, 486.2052, 500.4291, 521.2759, 508.9476, 488.8889, 509.8706, 456.7229,
    473.8166, 525.9509, 549.8338, 542.3405,
];

/// Twelve weeks of a made-up shop that grows.
const WEEKS: [u16; 84] = [
    206, 217, 239, 202, 194, 203, 190, 205, 226, 238, 241, 190, 206, 202, 233, 265, 265, 237, 216,
    229, 197, 240, 265, 283, 242, 222, 243, 227, 229, 248, 286, 241, 239, 235, 230, 253, 273, 272,
    276, 254, 248, 257, 276, 284, 303, 266, 260, 268, 257, 290, 294, 319, 296, 247, 272, 243, 286,
    304, 302, 314, 260, 271, 257, 310, 321, 326, 307, 271, 296, 272, 300, 315, 355, 334, 295, 311,
    271, 334, 327, 342, 343, 317, 332, 288,
];

fn weeks() -> Vec<f64> {
    WEEKS.map(f64::from).to_vec()
}

fn close(found: f64, expected: f64, part: f64) {
    assert!((found - expected).abs() <= part * expected.abs().max(1e-9), "{found} {expected}");
}

fn ratios(fit: &Fitted, steps: usize) -> Vec<f64> {
    let expected = fit.expected(steps);
    expected.iter().map(|step| step.deviation / expected[0].deviation).collect()
}

#[test]
fn the_recursion_is_that_of_statsmodels() {
    let shape = Shape { trend: true, season: 7 };
    let by = Smoothing { alpha: 0.3, beta: 0.1, gamma: 0.2, phi: 0.9 };
    let mut states = vec![200.0, 2.0, 0.0, 20.0, 30.0, 10.0, -10.0, 0.0, -50.0];
    let found = errors(shape, by, &weeks(), &mut states);
    let sse: f64 = found.iter().map(|error| error * error).sum();
    close(sse, 17_340.182_600_821_558, 1e-12);
    let fit = Fitted { shape, smoothing: by, states, sse, values: 84 };
    let means = [
        340.654184, 349.846688, 367.394479, 352.690365, 318.880823, 332.785431, 304.459752,
        348.635527, 357.029897, 373.859367,
    ];
    for (found, mean) in fit.expected(10).iter().zip(means) {
        close(found.mean, mean, 1e-8);
    }
    let spread = [
        1.0, 1.073359, 1.172152, 1.292195, 1.42873, 1.577416, 1.734675, 1.987232, 2.146946,
        2.309572,
    ];
    for (found, expected) in ratios(&fit, 10).into_iter().zip(spread) {
        close(found, expected, 1e-6);
    }
}

#[test]
fn oil_is_fitted_as_published() {
    let fit = fit(Shape { trend: false, season: 0 }, &OIL).unwrap();
    // alpha .9999 and a log-likelihood of -259.257: -n/2 (ln(2 pi sse / n) + 1).
    close(fit.smoothing.alpha, 0.9999, 1e-5);
    close(fit.sse, 113_080.604_61, 1e-6);
    let likelihood = -24.5 * ((std::f64::consts::TAU * fit.sse / 49.0).ln() + 1.0);
    close(likelihood, -259.257, 1e-5);
    for step in fit.expected(3) {
        close(step.mean, 542.341249, 1e-6);
    }
    for (found, expected) in ratios(&fit, 3).into_iter().zip([1.0, 1.414143, 1.731935]) {
        close(found, expected, 1e-5);
    }
    // A trend costs more than it tells.
    assert_eq!(model(&OIL, 0).unwrap().shape, Shape { trend: false, season: 0 });
}

#[test]
fn seasons_are_fitted_at_least_as_well() {
    for (trend, sse) in [(false, 12_207.312_285), (true, 10_175.022_096)] {
        let fit = fit(Shape { trend, season: 7 }, &weeks()).unwrap();
        assert!(fit.sse <= sse * 1.001, "{} {sse}", fit.sse);
        assert!(fit.sse >= sse * 0.97, "{} {sse}", fit.sse);
    }
    let fit = model(&weeks(), 7).unwrap();
    assert_eq!(fit.shape, Shape { trend: true, season: 7 });
    let means =
        [331.442782, 346.059266, 361.810172, 342.401352, 314.416818, 326.625413, 307.810916];
    for (found, mean) in fit.expected(7).iter().zip(means) {
        close(found.mean, mean, 0.01);
    }
}

#[test]
fn series_without_errors_have_finite_expectations() {
    let season: Vec<f64> = (0..42).map(|day| f64::from(day % 7)).collect();
    for values in [vec![0.0; 20], vec![5e9; 40], (0..40).map(f64::from).collect(), season.clone()] {
        let fit = model(&values, 7).unwrap();
        for step in fit.expected(30) {
            assert!(step.mean.is_finite() && step.deviation.is_finite(), "{values:?} {fit:?}");
        }
    }
    let fit = model(&season, 7).unwrap();
    for (day, step) in fit.expected(14).iter().enumerate() {
        assert!((step.mean - f64::from(u8::try_from(day % 7).unwrap())).abs() < 1e-3, "{fit:?}");
    }
    assert_eq!(model(&[1.0; VALUES_MIN - 1], 7), None);
}
