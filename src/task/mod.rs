//! Tasks: cheap threads of control over few threads, in the manner of Go's scheduler.

mod lock;
mod poller;
mod wait;
