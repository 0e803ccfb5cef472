//! What is made once for each of several keys.

use std::sync::{Mutex, OnceLock};

use anyhow::{Result, anyhow};

/// Values, each made when it is first asked for. Whoever else asks for it waits; for what
/// is of another key nobody does.
pub struct OncePer<K: 'static, V: 'static>(Mutex<Vec<(K, &'static Cell<V>)>>);

/// A value, or why it could not be made.
type Cell<V> = OnceLock<Result<V, String>>;

impl<K: PartialEq, V> OncePer<K, V> {
    /// None is made yet.
    pub const fn new() -> OncePer<K, V> {
        OncePer(Mutex::new(Vec::new()))
    }

    /// The value of this key, which the first call makes. It stays, and so does an error.
    ///
    /// # Errors
    ///
    /// What `make` said at the first call.
    pub fn get(&self, key: K, make: impl FnOnce() -> Result<V>) -> Result<&'static V> {
        let cell: &'static Cell<V> = {
            let mut cells = self.0.lock().expect("no thread panics with it");
            match cells.iter().find(|(other, _)| *other == key) {
                Some((_, cell)) => cell,
                None => {
                    let cell: &'static Cell<V> = Box::leak(Box::default());
                    cells.push((key, cell));
                    cell
                }
            }
        };
        cell.get_or_init(|| make().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }
}

impl<K: PartialEq, V> Default for OncePer<K, V> {
    fn default() -> OncePer<K, V> {
        OncePer::new()
    }
}
