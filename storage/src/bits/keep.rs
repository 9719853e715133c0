//! The loop that keeps the rows on some days, one copy for each level of instructions.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm256_loadu_si256, _mm256_storeu_si256, _mm512_add_epi32, _mm512_and_si512,
    _mm512_cmple_epu32_mask, _mm512_cvtepi32_epi16, _mm512_cvtepu16_epi32, _mm512_loadu_si512,
    _mm512_maskz_compress_epi32, _mm512_maskz_compress_epi64, _mm512_set1_epi32,
    _mm512_storeu_si512, _mm512_sub_epi32,
};

#[cfg(target_arch = "x86_64")]
use crate::level::{Level, level};

/// Numbers that a register of AVX-512 holds, as 32 bits each.
const LANES: usize = 16;

/// Days since 1970-01-01, which are below 2^16.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days {
    /// What is added to an offset, without what goes over 16 bits.
    pub(crate) base: u16,
    /// The first that is kept.
    pub(crate) first: u16,
    /// How many more are.
    pub(crate) span: u16,
}

impl Days {
    /// The day of an offset, and whether it is kept.
    #[inline]
    pub(crate) fn of(self, offset: u32) -> (u16, bool) {
        #[expect(clippy::cast_possible_truncation, reason = "it is meant to go round")]
        let day = self.base.wrapping_add(offset as u16);
        (day, day.wrapping_sub(self.first) <= self.span)
    }
}

/// Makes the loop for consumers of some width, and its copy for AVX-512, where `$load` brings some
/// of them to 32 bits each and `$store` brings them back. Registers are filled without masks: one
/// made for each made every turn wait for the one before.
macro_rules! keeper {
    ($(#[$doc:meta])* $name:ident, $avx512:ident, $of:ty, $load:expr, $store:expr) => {
        $(#[$doc])*
        pub(crate) fn $name(
            (consumers, base): (&[$of], $of),
            offsets: &[u32],
            days: Days,
            (consumer, day): (&mut Vec<$of>, &mut Vec<u16>),
        ) {
            let rows = consumers.len().min(offsets.len());
            let (mut consumers, mut offsets) = (&consumers[..rows], &offsets[..rows]);
            // A register of numbers may be written behind the last.
            consumer.reserve(rows + LANES);
            day.reserve(rows + LANES);
            #[cfg(target_arch = "x86_64")]
            if level() == Level::Avx512 {
                let whole = rows - rows % LANES;
                let (some, own) = (&consumers[..whole], &offsets[..whole]);
                // SAFETY: a level in use is one whose instructions this machine has; there is room.
                unsafe { $avx512((some, base), own, days, (&mut *consumer, &mut *day)) };
                (consumers, offsets) = (&consumers[whole..], &offsets[whole..]);
            }
            let (to_consumer, to_day) = (consumer.spare_capacity_mut(), day.spare_capacity_mut());
            let mut kept = 0;
            for (own, offset) in consumers.iter().zip(offsets) {
                let (of, is_kept) = days.of(*offset);
                // Written before it is known whether it stays, so that no branch has to be guessed.
                to_consumer[kept].write(own.wrapping_sub(base));
                to_day[kept].write(of);
                kept += usize::from(is_kept);
            }
            let (consumer_len, day_len) = (consumer.len() + kept, day.len() + kept);
            // SAFETY: so many numbers behind the last were written just above.
            unsafe {
                consumer.set_len(consumer_len);
                day.set_len(day_len);
            }
        }

        /// Of rows by the register.
        ///
        /// # Safety
        /// Both lists have room for all rows and [`LANES`] numbers more.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt,bmi1,bmi2")]
        unsafe fn $avx512(
            (consumers, less): (&[$of], $of),
            offsets: &[u32],
            days: Days,
            (consumer, day): (&mut Vec<$of>, &mut Vec<u16>),
        ) {
            let each = |value: u16| _mm512_set1_epi32(i32::from(value));
            let (base, first, span) = (each(days.base), each(days.first), each(days.span));
            let low_half = each(u16::MAX);
            let less = _mm512_set1_epi32(u32::from(less).cast_signed());
            let (consumer_len, day_len) = (consumer.len(), day.len());
            // SAFETY: the length is within what was reserved.
            let to_consumer = unsafe { consumer.as_mut_ptr().add(consumer_len) };
            // SAFETY: the length is within what was reserved.
            let to_day = unsafe { day.as_mut_ptr().add(day_len) };
            let mut kept = 0;
            let groups = consumers.chunks_exact(LANES).zip(offsets.chunks_exact(LANES));
            for (consumers, offsets) in groups {
                // SAFETY: there are so many numbers; fewer were kept than rows were passed, so that
                // there is room for a register by what the caller has seen to.
                unsafe {
                    let offsets = _mm512_loadu_si512(offsets.as_ptr().cast());
                    let of = _mm512_and_si512(_mm512_add_epi32(offsets, base), low_half);
                    let after = _mm512_and_si512(_mm512_sub_epi32(of, first), low_half);
                    let stay = _mm512_cmple_epu32_mask(after, span);
                    let consumers = _mm512_sub_epi32($load(consumers.as_ptr()), less);
                    let consumers = _mm512_maskz_compress_epi32(stay, consumers);
                    let of = _mm512_maskz_compress_epi32(stay, of);
                    $store(to_consumer.add(kept), consumers);
                    _mm256_storeu_si256(to_day.add(kept).cast(), _mm512_cvtepi32_epi16(of));
                    kept += stay.count_ones() as usize;
                }
            }
            // SAFETY: so many numbers behind the last were written just above.
            unsafe {
                consumer.set_len(consumer_len + kept);
                day.set_len(day_len + kept);
            }
        }
    };
}

keeper!(
    /// Appends the rows whose day is among some days: their consumers, from which a base is taken,
    /// and their days, which are given as offsets.
    keep,
    keep_avx512,
    u16,
    |from: *const u16| _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast())),
    |to: *mut u16, lows| _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(lows))
);
keeper!(
    /// As [`keep`], of consumers as whole numbers.
    keep_wide,
    keep_wide_avx512,
    u32,
    |from: *const u32| _mm512_loadu_si512(from.cast()),
    |to: *mut u32, consumers| _mm512_storeu_si512(to.cast(), consumers)
);

/// Rows with amounts, of which some are to go: as many consumers as amounts.
pub(crate) struct Paid<'r> {
    pub(crate) consumers: &'r mut [u32],
    pub(crate) amounts: &'r mut [i64],
}

/// Keeps the rows whose day is among some days, which are given as offsets; how many. They are
/// together at the beginning then. Their days are appended where they are wanted.
pub(crate) fn keep_paid(
    rows: Paid<'_>,
    offsets: &[u32],
    days: Days,
    mut day: Option<&mut Vec<u16>>,
) -> usize {
    let Paid { consumers, amounts } = rows;
    let count = consumers.len().min(amounts.len()).min(offsets.len());
    let (consumers, amounts) = (&mut consumers[..count], &mut amounts[..count]);
    // A register of numbers may be written behind the last.
    if let Some(day) = &mut day {
        day.reserve(count + LANES);
    }
    let (mut kept, mut passed) = (0, 0);
    #[cfg(target_arch = "x86_64")]
    if level() == Level::Avx512 {
        passed = count - count % LANES;
        let day = day.as_deref_mut();
        let rows = Paid { consumers: &mut *consumers, amounts: &mut *amounts };
        // SAFETY: a level in use is one whose instructions this machine has; there are so many
        // rows, and there is room for their days.
        kept = unsafe { keep_paid_avx512(rows, &offsets[..passed], days, day) };
    }
    for row in passed..count {
        let (of, is_kept) = days.of(offsets[row]);
        if is_kept {
            (consumers[kept], amounts[kept]) = (consumers[row], amounts[row]);
            if let Some(day) = &mut day {
                day.push(of);
            }
            kept += 1;
        }
    }
    kept
}

/// Of rows by the register.
///
/// # Safety
/// There are as many rows as offsets, and `day` has room for as many and [`LANES`] numbers more.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt,bmi1,bmi2")]
unsafe fn keep_paid_avx512(
    rows: Paid<'_>,
    offsets: &[u32],
    days: Days,
    day: Option<&mut Vec<u16>>,
) -> usize {
    /// Amounts that a register holds.
    const HALF: usize = LANES / 2;
    let each = |value: u16| _mm512_set1_epi32(i32::from(value));
    let (base, first, span) = (each(days.base), each(days.first), each(days.span));
    let low_half = each(u16::MAX);
    let (consumers, amounts) = (rows.consumers.as_mut_ptr(), rows.amounts.as_mut_ptr());
    let to_day = day.map(|day| {
        let before = day.len();
        // SAFETY: the length is within what was reserved.
        (unsafe { day.as_mut_ptr().add(before) }, before, day)
    });
    let mut kept = 0;
    for (group, offsets) in offsets.chunks_exact(LANES).enumerate() {
        let row = group * LANES;
        // SAFETY: there are so many rows. Fewer were kept than were passed, and these are loaded
        // before anything is written in their places; so much room there is for days.
        unsafe {
            let offsets = _mm512_loadu_si512(offsets.as_ptr().cast());
            let of = _mm512_and_si512(_mm512_add_epi32(offsets, base), low_half);
            let after = _mm512_and_si512(_mm512_sub_epi32(of, first), low_half);
            let stay = _mm512_cmple_epu32_mask(after, span);
            let [low, high] = stay.to_le_bytes();
            let own = _mm512_loadu_si512(consumers.add(row).cast());
            let some = _mm512_loadu_si512(amounts.add(row).cast());
            let more = _mm512_loadu_si512(amounts.add(row + HALF).cast());
            let own = _mm512_maskz_compress_epi32(stay, own);
            _mm512_storeu_si512(consumers.add(kept).cast(), own);
            let some = _mm512_maskz_compress_epi64(low, some);
            _mm512_storeu_si512(amounts.add(kept).cast(), some);
            let more = _mm512_maskz_compress_epi64(high, more);
            let middle = kept + low.count_ones() as usize;
            _mm512_storeu_si512(amounts.add(middle).cast(), more);
            if let Some((to_day, ..)) = &to_day {
                let of = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(stay, of));
                _mm256_storeu_si256(to_day.add(kept).cast(), of);
            }
            kept += stay.count_ones() as usize;
        }
    }
    if let Some((_, before, day)) = to_day {
        // SAFETY: so many numbers behind the last were written just above.
        unsafe { day.set_len(before + kept) };
    }
    kept
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;
    use crate::level::Level;

    #[test]
    fn every_level_keeps_the_same_rows() {
        let mut random = Pcg64::seed_from_u64(21);
        for rows in [0, 1, 15, 16, 17, 40, 1000] {
            for (base, first, span) in
                [(0, 3, 9), (17_000, 17_020, 0), (65_530, 2, 40), (5, 0, 65_535)]
            {
                let lows: Vec<u16> = (0..rows).map(|_| random.random()).collect();
                let amounts: Vec<i64> = (0..rows).map(|_| random.random()).collect();
                let offsets: Vec<u32> = (0..rows).map(|_| random.random_range(0..64)).collect();
                let days = Days { base, first, span };
                let mut expected = vec![(7_u16, 8_u16)];
                for (low, offset) in lows.iter().zip(&offsets) {
                    let day = base.wrapping_add(u16::try_from(*offset).unwrap());
                    if (0..=span).any(|more| day == first.wrapping_add(more)) {
                        expected.push((*low, day));
                    }
                }
                for level in Level::ALL {
                    if crate::level::force(level) {
                        let (mut low, mut day) = (vec![7], vec![8]);
                        keep((&lows, 0), &offsets, days, (&mut low, &mut day));
                        let found: Vec<_> = low.into_iter().zip(day).collect();
                        assert_eq!(found, expected, "{}", level.name());
                        let wide: Vec<u32> = lows.iter().map(|low| 9 + u32::from(*low)).collect();
                        let (mut consumer, mut day) = (vec![7], vec![8]);
                        keep_wide((&wide, 9), &offsets, days, (&mut consumer, &mut day));
                        let found: Vec<_> = consumer.into_iter().zip(day).collect();
                        let whole = expected.iter().map(|(low, day)| (u32::from(*low), *day));
                        assert!(found.into_iter().eq(whole), "{}", level.name());
                        let (mut own, mut some) = (wide.clone(), amounts.clone());
                        let mut day = vec![8];
                        let [kept, again] = [Some(&mut day), None].map(|day| {
                            (own, some) = (wide.clone(), amounts.clone());
                            let rows = Paid { consumers: &mut own, amounts: &mut some };
                            keep_paid(rows, &offsets, days, day)
                        });
                        assert_eq!((kept, again), (expected.len() - 1, kept), "{}", level.name());
                        assert!(day.iter().eq(expected.iter().map(|(_, day)| day)));
                        let is_kept = |offset: &u32| days.of(*offset).1;
                        let rows = wide.iter().zip(&amounts).zip(&offsets);
                        let rows = rows.filter(|(_, offset)| is_kept(offset)).map(|(row, _)| row);
                        assert!(own.iter().zip(&some).take(kept).eq(rows), "{}", level.name());
                    }
                }
            }
        }
    }
}
