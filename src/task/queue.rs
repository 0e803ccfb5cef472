//! A list of tasks that are to run.

use super::task::TaskRef;

/// Tasks, first come first served. Each is in one list at most: it has but one link.
#[derive(Default)]
pub(super) struct Queue {
    first: Option<TaskRef>,
    last: Option<TaskRef>,
    len: usize,
}

impl Queue {
    pub(super) const fn new() -> Queue {
        Queue {
            first: None,
            last: None,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, task: TaskRef) {
        task.next.set(None);
        match self.last.replace(task) {
            Some(last) => last.next.set(Some(task)),
            None => self.first = Some(task),
        }
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> Option<TaskRef> {
        let task = self.first?;
        self.first = task.next.take();
        if self.first.is_none() {
            self.last = None;
        }
        self.len -= 1;
        Some(task)
    }

    /// Puts all of another's behind.
    pub(super) fn append(&mut self, other: &mut Queue) {
        let Queue { first, last, len } = core::mem::take(other);
        match self.last {
            Some(tail) if first.is_some() => tail.next.set(first),
            None => self.first = first,
            _ => {}
        }
        self.last = last.or(self.last);
        self.len += len;
    }
}
