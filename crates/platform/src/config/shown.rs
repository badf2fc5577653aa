//! The settings in effect as people are shown them.

use std::sync::{Arc, PoisonError, RwLock};

/// A text of the settings in effect, without secrets, which becomes another when they do. Clones show the same.
#[derive(Debug, Clone)]
pub struct Shown(Arc<RwLock<String>>);

impl Shown {
    /// Shows this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(RwLock::new(text)))
    }

    /// What is shown just now.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.0.read().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }

    /// Shows this text from now on.
    pub fn change(&self, text: String) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = text;
    }
}
