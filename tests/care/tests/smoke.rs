//! A short run of what `cargo fuzz` and `cargo flips` do at length. It stands alone in its program,
//! as allocations are counted for all of it.

use throng_care::{Bound, TARGETS, flips, fuzz};

const INPUTS: u64 = 1_500;

#[test]
fn nothing_panics_hangs_or_takes_memory_and_damage_is_named() {
    for target in &TARGETS {
        let (_, done) = fuzz(target, 1, Bound::Count(INPUTS));
        assert_eq!(done, INPUTS, "{}", target.name);
    }
    let flips = flips(1, INPUTS);
    let named: u64 = flips.tallies.values().map(|tally| tally.named).sum();
    assert!(named > INPUTS / 2, "{flips:?}");
}
