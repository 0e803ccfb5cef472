//! What stands in for src/task/lock.rs.

use std::sync::{Mutex, MutexGuard};

#[derive(Debug)]
pub struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub const fn new(data: T) -> Lock<T> {
        Lock(Mutex::new(data))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}
