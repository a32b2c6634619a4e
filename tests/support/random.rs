//! Random moments and choices that can be had again: the seed is printed.

pub struct Random(u64);

impl Random {
    /// Begins with `CRIEUR_TEST_SEED`, or with the clock; says which.
    pub fn seeded(test: &str) -> Random {
        let given = std::env::var("CRIEUR_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let clock = || std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64);
        let seed: u64 = given.unwrap_or_else(clock);
        println!("{test}: CRIEUR_TEST_SEED={seed}");
        Random(seed)
    }

    /// Begins with this number.
    pub fn of(seed: u64) -> Random {
        Random(seed)
    }

    /// Steele, Lea and Flood's SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}
