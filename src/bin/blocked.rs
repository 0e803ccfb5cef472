//! Draws what becomes of the other tasks while one sits in a system call: `blocked`.
//!
//! Three tasks compute, and let one another have the processor. One of them, a, reads from a
//! timer that expires only later, so that its thread sleeps in the kernel: first by a call
//! that the scheduler hears of, and then by one that it does not. There is one processor,
//! unless `FREESTAND_PROCS` says otherwise.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use freestand::env::{self, Args};
use freestand::io::{Write, stdout};
use freestand::process::ExitCode;
use freestand::sys::{self, AsFd, BorrowedFd, Clock, Result, TfdFlags, Tid};
use freestand::task::{self, sched};
use freestand::time::{Duration, Expiration, Instant, TimerFd};
use freestand::{eprintln, print, println};

freestand::entry!(main);

/// How wide a line is before the picture, and the picture.
const LABEL: usize = 16;
const COLUMNS: usize = 56;
/// After how many columns the scale has a number.
const SCALE: usize = 10;
/// The time that a column stands for.
const COLUMN: Duration = Duration::from_millis(2);
/// When a begins to read, and for how long there is nothing to be read, in columns.
const READ: u32 = 16;
const READ_FOR: u32 = 20;

/// In the picture, instead of the task that runs.
const IN_CALL: char = '-';
const NOTHING: char = '.';

/// A time in which a task did one thing.
#[derive(Clone, Copy)]
struct Span {
    mark: char,
    begin: Duration,
    end: Duration,
    thread: Tid,
    /// Whether the task had a processor, and which.
    processor: Option<usize>,
}

impl Span {
    /// One that begins now, and here.
    fn begin(mark: char, base: Instant) -> Span {
        let begin = base.elapsed();
        Span {
            mark,
            begin,
            end: begin,
            thread: sys::gettid(),
            processor: sched::current_processor(),
        }
    }
}

fn main(args: Args) -> ExitCode {
    if args.count() > 1 {
        eprintln!("usage: blocked");
        return ExitCode::FAILURE;
    }
    if env::var("FREESTAND_PROCS").is_none() {
        sched::set_processors(1);
    }
    println!("Tasks a, b and c compute, and yield now and then. a reads what is not there yet.");
    let pictures = [
        (
            "a reads by sys::read, of which the scheduler hears",
            Call::Told,
        ),
        (
            "a reads by sys::raw::read, of which it does not",
            Call::Untold,
        ),
    ];
    let drawn = pictures
        .into_iter()
        .try_for_each(|(title, call)| draw(title, call));
    if let Err(errno) = drawn {
        eprintln!("blocked: {}", errno.text());
        return ExitCode::FAILURE;
    }
    println!();
    println!("a b c  the task that runs, or of several the one that ran longest");
    println!(
        "{IN_CALL}      a's system call: the thread sleeps in the kernel, the processor waits"
    );
    println!("{NOTHING}      no task runs here");
    ExitCode::SUCCESS
}

/// How a reads.
#[derive(Clone, Copy)]
enum Call {
    /// The task may lose its processor.
    Told,
    /// It keeps it.
    Untold,
}

impl Call {
    fn read(self, fd: BorrowedFd<'_>) -> Result<usize> {
        match self {
            Call::Told => sys::read(fd, &mut [0; 8]),
            Call::Untold => sys::raw::read(fd, &mut [0; 8]),
        }
    }
}

/// Has the tasks run, and draws when each ran where.
fn draw(title: &str, call: Call) -> Result<()> {
    let timer = TimerFd::new(Clock::MONOTONIC, TfdFlags::empty())?;
    let base = Instant::now();
    let others = ['b', 'c'].map(|mark| {
        task::spawn(move || {
            let mut spans = Vec::new();
            compute(mark, COLUMNS as u32, base, &mut spans);
            spans
        })
    });
    let reader = task::spawn(move || {
        let mut spans = Vec::new();
        compute('a', READ, base, &mut spans);
        timer.set(Expiration::After(COLUMN * READ_FOR), None)?;
        let mut span = Span::begin(IN_CALL, base);
        call.read(timer.as_fd())?;
        // What comes after is that it waits for its turn.
        span.end = base.elapsed().min(span.begin + COLUMN * READ_FOR);
        if matches!(call, Call::Told) {
            span.processor = None;
        }
        spans.push(span);
        compute('a', COLUMNS as u32, base, &mut spans);
        Result::Ok(spans)
    });
    let Ok(spans) = reader.join();
    let mut spans = spans?;
    for other in others {
        let Ok(others) = other.join();
        spans.extend(others);
    }
    spans.sort_unstable_by_key(|span| span.begin);
    print_picture(title, &spans);
    stdout().flush()
}

/// Computes until that column, yielding after a part of a column.
fn compute(mark: char, until: u32, base: Instant, spans: &mut Vec<Span>) {
    while base.elapsed() < COLUMN * until {
        let begun = base.elapsed();
        let mut span = Span::begin(mark, base);
        while span.end - begun < COLUMN * 3 / 4 {
            core::hint::spin_loop();
            let now = base.elapsed();
            if now - span.end < COLUMN / 4 {
                span.end = now;
                continue;
            }
            // It was turned out, and goes on perhaps elsewhere.
            spans.push(span);
            span = Span::begin(mark, base);
        }
        spans.push(span);
        task::yield_now();
    }
}

fn print_picture(title: &str, spans: &[Span]) {
    println!("\n{title}:\n");
    let times = (0..COLUMNS as u32).step_by(SCALE);
    let scale: String = times
        .map(|column| format!("{:<SCALE$}", (COLUMN * column).as_millis()))
        .collect();
    println!("{:LABEL$}{}", "milliseconds", scale.trim_end());
    for processor in 0..sched::processors() {
        print!("{:LABEL$}", format!("processor {processor}"));
        print_row(spans, |span| span.processor == Some(processor));
    }
    let mut threads: Vec<Tid> = Vec::new();
    for span in spans {
        if !threads.contains(&span.thread) {
            threads.push(span.thread);
        }
    }
    for thread in threads {
        print!("{:LABEL$}", format!("thread {}", thread.0));
        print_row(spans, |span| span.thread == thread);
    }
}

/// Of the spans in question, for each column that which took most of it.
fn print_row(spans: &[Span], is_meant: impl Fn(&Span) -> bool) {
    for column in 0..COLUMNS as u32 {
        let (begin, end) = (COLUMN * column, COLUMN * (column + 1));
        let share = |span: &Span| span.end.min(end).saturating_sub(span.begin.max(begin));
        let longest = spans
            .iter()
            .filter(|span| is_meant(span) && !share(span).is_zero())
            .max_by_key(|span| share(span));
        print!("{}", longest.map_or(NOTHING, |span| span.mark));
    }
    println!();
}
