//! The name that was probably meant.

/// The candidate nearest to `name`: equal but for case, or a few typing errors away.
///
/// The distance is optimal string alignment (insert, delete, replace, swap neighbours) over lower
/// case letters; up to 1 for names of 3 letters, 2 from 6, 3 from 10.
#[must_use]
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    let bound = match wanted.len() {
        0..=2 => 0,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        if other.len().abs_diff(wanted.len()) > bound || other.len() > 4 * NAME_LETTERS {
            continue;
        }
        let near = distance(&wanted, &other);
        let better = best
            .is_none_or(|(so_far, known)| near < so_far || (near == so_far && candidate < known));
        if near <= bound && better {
            best = Some((near, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

/// Names longer than four times this are not worth comparing.
const NAME_LETTERS: usize = 64;

fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut cost = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y;
            if swapped {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["favorite", "buy", "cart", "exposure", "view", "P", "L"];
        let find = |name| closest(name, known);
        assert_eq!(find("favourite").as_deref(), Some("favorite"));
        assert_eq!(find("BUY").as_deref(), Some("buy"));
        assert_eq!(find("crat").as_deref(), Some("cart"));
        assert_eq!(find("expsoure").as_deref(), Some("exposure"));
        assert_eq!(find("p").as_deref(), Some("P"));
        assert_eq!(find("X"), None);
        assert_eq!(find("refund"), None);
        assert_eq!(find(""), None);
    }
}
