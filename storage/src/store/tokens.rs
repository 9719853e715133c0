//! The tokens of applied batches.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashSet;

use crate::manifest::TOKENS_MAX;

/// The newest tokens, each once.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    order: VecDeque<Arc<str>>,
    known: HashSet<Arc<str>>,
}

impl Tokens {
    pub(super) fn contains(&self, token: &str) -> bool {
        self.known.contains(token)
    }

    /// Adds a token, forgetting the oldest beyond the limit.
    pub(super) fn add(&mut self, token: &str) {
        if self.known.contains(token) {
            return;
        }
        let token: Arc<str> = token.into();
        self.known.insert(Arc::clone(&token));
        self.order.push_back(token);
        if self.order.len() > TOKENS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let mut tokens = Tokens::default();
        for number in 0..=TOKENS_MAX {
            tokens.add(&number.to_string());
            tokens.add(&number.to_string());
        }
        assert!(!tokens.contains("0"));
        assert!(tokens.contains("1"));
        assert!(tokens.contains(&TOKENS_MAX.to_string()));
    }
}
