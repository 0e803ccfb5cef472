//! One allocator doing one work: what `cargo xtask bench heap` starts again and again.
//!
//! `heap-bench ALLOCATOR WORK` prints lines of a name and a figure, with a tab between.
//! A process has one allocator at work, so that none finds the break, the caches or the
//! threads that another has left, and the peak of its memory is its own. Works of one
//! thread are in processes that never have another: some allocators do without locks
//! then.
//!
//! Each allocator is called through its vtable and with sizes that the compiler does not
//! know. So a call costs each the same, and none is folded into the loop that measures.
//! What the program itself allocates is the C library's, and done before anything is
//! measured.

mod allocators;
mod works;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [allocator, work] = arguments.as_slice() else {
        return usage();
    };
    let (Some(allocator), Some(work)) = (allocators::find(allocator), works::find(work)) else {
        return usage();
    };
    for (name, figure) in work(allocator) {
        println!("{name}\t{figure}");
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "heap-bench ALLOCATOR WORK\nallocators: {}\nworks: {}",
        allocators::ALL.map(|(name, _)| name).join(", "),
        works::ALL.map(|(name, _)| name).join(", ")
    );
    ExitCode::FAILURE
}
