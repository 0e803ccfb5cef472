//! Plays a scene with tasks: `task_scenes SCENE [ROUNDS]`. A module a subject, a line a scene.
//!
//! Those of channels and locks are played by tasks or, if the scene's name begins with
//! `threads_`, by threads that run no task.

#![no_std]
#![no_main]

extern crate alloc;

mod channels;
mod crew;
mod futures;
mod locals;
mod locks;

use freestand::env::Args;
use freestand::println;

freestand::entry!(main);

fn main(args: Args) {
    let mut args = args.skip(1).map(|arg| arg.to_str().expect("it is UTF-8"));
    let name = args.next().expect("there is a scene");
    let rounds = args
        .next()
        .map_or(100, |rounds| rounds.parse().expect("a number"));
    let scene = name.strip_prefix(crew::THREADS).unwrap_or(name);
    crew::choose(scene != name);
    match scene {
        "values" => channels::values(rounds),
        "closing" => channels::closing(rounds),
        "errors" => channels::errors(),
        "selects" => channels::selects(rounds),
        "select_cases" => channels::select_cases(),
        "fair" => channels::fair(),
        "pingpong" => channels::pingpong(rounds),
        "counters" => locks::counters(rounds),
        "notify" => locks::notify(rounds),
        "groups" => locks::groups(rounds),
        "deadlines" => locks::deadlines(),
        "futures" => futures::futures(rounds),
        "locals" => locals::locals(rounds),
        scene => panic!("there is no scene {scene}"),
    }
    println!("ok");
}
