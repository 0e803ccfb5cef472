//! Order: the middle of many figures, and no order at all; and what is worth reading of one.

/// The middle one of `values`: half of them are not greater, half not less. The
/// greater of two that are in the middle; nothing of nothing.
pub fn median<T: Copy + Ord>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// A figure with as many digits as are worth reading.
pub fn short(figure: f64) -> String {
    let digits = if figure < 10.0 {
        2
    } else {
        usize::from(figure < 100.0)
    };
    format!("{figure:.digits$}")
}

/// Random orders, the same ones each time: Marsaglia's xorshift, with 64 bits.
pub struct Shuffler(u64);

impl Default for Shuffler {
    fn default() -> Shuffler {
        // Any number but 0.
        Shuffler(0x9e37_79b9_7f4a_7c15)
    }
}

impl Shuffler {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Puts `items` into a random order, as Fisher and Yates do.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            // Of numbers this small the remainder is as good as even.
            let other = self.next() % (last as u64 + 1);
            items.swap(last, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median::<u32>(&[]), None);
        assert_eq!(median(&[7]), Some(7));
        assert_eq!(median(&[9, 1, 5]), Some(5));
        assert_eq!(median(&[4, 2, 8, 6]), Some(6));
        assert_eq!(median(&[1, 1, 1, 1000]), Some(1));
    }

    #[test]
    fn every_order_comes_about_as_often() {
        let mut shuffler = Shuffler::default();
        let mut orders = BTreeMap::new();
        for _ in 0..6000 {
            let mut items = [1, 2, 3];
            shuffler.shuffle(&mut items);
            *orders.entry(items).or_insert(0) += 1;
        }
        assert_eq!(orders.len(), 6, "{orders:?}");
        assert!(orders.values().all(|times| (850..1150).contains(times)));
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [0.456, 9.99, 45.67, 456.7].map(short),
            ["0.46", "9.99", "45.7", "457"]
        );
    }
}
