//! Plays a scene with the scheduler: `sched_scenes SCENE [COUNT]`. A module a subject, a line a
//! scene. One that goes well prints `ok`.

#![no_std]
#![no_main]

extern crate alloc;

mod calls;
mod ends;
mod fairness;
mod limits;
mod locked;
mod preempt;
mod storm;
mod support;
mod world;

use freestand::env::Args;
use freestand::println;

freestand::entry!(main);

fn main(args: Args) {
    let mut args = args.skip(1).map(|arg| arg.to_str().expect("it is UTF-8"));
    let scene = args.next().expect("there is a scene");
    let count = args
        .next()
        .map_or(1, |count| count.parse().expect("a number"));
    match scene {
        "blocking_read" => calls::blocking_read(count),
        "raw_read" => calls::raw_read(),
        "found_idle" => calls::found_idle(),
        "gauge" => calls::gauge(count),
        "readers" => calls::readers(count),
        "readers_leave" => calls::readers_leave(count),
        "after_quiet" => calls::after_quiet(),
        "blocking_section" => calls::blocking_section(),
        "stops" => world::stops(count),
        "stop_reader" => world::stop_reader(),
        "stop_in_vain" => world::stop_in_vain(count),
        "processors" => world::processors(count),
        "timers_stay" => world::timers_stay(),
        "global_queue" => fairness::global_queue(count),
        "next_slot" => fairness::next_slot(),
        "compute" => preempt::compute(count),
        "handlers" => preempt::handlers(),
        "handler_calls" => preempt::handler_calls(count),
        "locked" => locked::locked(count),
        "locked_end" => locked::end(),
        "scope_moves" => locked::scope_moves(),
        "sections" => locked::sections(count),
        "locked_is_not_copied" => locked::is_not_copied(),
        "deadlock" => ends::deadlock(),
        "deadlock_after_locked" => ends::deadlock_after_locked(),
        "no_deadlock" => ends::no_deadlock(),
        "no_deadlock_thread" => ends::no_deadlock_thread(),
        "quit" => ends::quit(count),
        "panics" => ends::panics(),
        "overflow" => ends::overflow(count),
        "fork" => ends::fork(count),
        "limit" => limits::threads(),
        "no_threads" => limits::no_threads(),
        "no_stacks" => limits::no_stacks(),
        "million" => limits::million(count),
        "storm" => storm::storm(count),
        scene => panic!("there is no scene {scene}"),
    }
    println!("ok");
}
