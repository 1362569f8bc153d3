//! What happens next, one way after another.

/// The choices of one run, and where the next run turns off.
pub enum Choices {
    /// Every way there is: what was chosen, and of how many.
    All {
        path: Vec<(usize, usize)>,
        at: usize,
    },
    /// Ways at random.
    Random { state: u64, left: usize },
}

impl Choices {
    pub const fn all() -> Self {
        Self::All {
            path: Vec::new(),
            at: 0,
        }
    }

    pub const fn random(runs: usize) -> Self {
        Self::Random {
            state: 1,
            left: runs,
        }
    }

    /// One of `0..of`.
    pub fn choose(&mut self, of: usize) -> usize {
        match self {
            Self::All { path, at } => {
                if *at == path.len() {
                    path.push((0, of));
                }
                let (chosen, before) = path[*at];
                assert_eq!(before, of, "the same choices lead to the same state");
                *at += 1;
                chosen
            }
            Self::Random { state, .. } => {
                // SplitMix64.
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((mixed ^ (mixed >> 31)) % of as u64) as usize
            }
        }
    }

    /// Turns to the next run. `false` if there is none.
    pub fn next(&mut self) -> bool {
        match self {
            Self::All { path, at } => {
                *at = 0;
                while let Some((chosen, of)) = path.pop() {
                    if chosen + 1 < of {
                        path.push((chosen + 1, of));
                        return true;
                    }
                }
                false
            }
            Self::Random { left, .. } => {
                *left -= 1;
                *left > 0
            }
        }
    }
}
