//! Limits, usage, what the machine is, scheduling, random bytes.

#![no_std]
#![no_main]

use freestand::sys::{
    self, CpuSet, Errno, GrndFlags, Pid, PriorityOf, Resource, Rlimit, RusageWho, Tid, Tms, Uid,
};
use test_programs::child::in_child;
use test_programs::{err, ok, seen};

freestand::entry!(main);

/// No process has it: ids end at 2²² (proc(5), pid_max).
const NOBODY: i32 = i32::MAX;
/// No resource has it.
const NOTHING: Resource = Resource(99);

fn main() {
    limits();
    usage();
    names();
    numbers();
    processors();
    priorities();
    random_bytes();
}

fn limits() {
    let files = ok!(getrlimit(Resource::NOFILE));
    assert!(files.rlim_cur > 2 && files.rlim_cur <= files.rlim_max);
    let this = Pid(0);
    assert_eq!(ok!(prlimit64(this, Resource::NOFILE, None)), files);
    assert_eq!(ok!(prlimit64(sys::getpid(), Resource::NOFILE, None)), files);

    // It is the kernel that has it now.
    let fewer = Rlimit {
        rlim_cur: 3,
        ..files
    };
    assert_eq!(ok!(prlimit64(this, Resource::NOFILE, Some(&fewer))), files);
    assert_eq!(ok!(getrlimit(Resource::NOFILE)), fewer);
    let flags = sys::OFlags::RDONLY;
    let root = || sys::open("/", flags, sys::Mode::empty()).map(drop);
    assert_eq!(root(), Err(Errno::EMFILE));
    ok!(setrlimit(Resource::NOFILE, &files));
    assert_eq!(ok!(getrlimit(Resource::NOFILE)), files);
    assert_eq!(root(), Ok(()));

    let wrong = Rlimit {
        rlim_cur: 2,
        rlim_max: 1,
    };
    err!(EINVAL, setrlimit(Resource::NOFILE, &wrong));
    err!(EINVAL, prlimit64(this, Resource::NOFILE, Some(&wrong)));
    err!(EINVAL, getrlimit(NOTHING));
    err!(EINVAL, setrlimit(NOTHING, &files));
    err!(ESRCH, prlimit64(Pid(NOBODY), Resource::NOFILE, None));
}

fn usage() {
    let time = |usage: sys::Rusage| {
        let (user, system) = (usage.ru_utime, usage.ru_stime);
        (user.tv_sec + system.tv_sec) * 1_000_000 + user.tv_usec + system.tv_usec
    };
    let this_thread = || ok!(getrusage(RusageWho::THREAD));
    let mut tms = Tms::default();
    let begin = sys::times(Some(&mut tms));
    let before = ok!(getrusage(RusageWho::SELF));
    let begun = time(this_thread());
    // 40 ms of work: four ticks, of which the kernel's and the process's own may each be
    // short of one.
    let mut sum = 0_u64;
    while time(this_thread()) < begun + 40_000 {
        for i in 0..1_000_000 {
            sum = core::hint::black_box(sum + i);
        }
    }
    let after = ok!(getrusage(RusageWho::SELF));
    assert!(after.ru_minflt > 0 && time(after) >= time(before) + 40_000);
    let children = ok!(getrusage(RusageWho::CHILDREN));
    in_child(|| ());
    assert!(ok!(getrusage(RusageWho::CHILDREN)).ru_minflt > children.ru_minflt);
    err!(EINVAL, getrusage(RusageWho(2)));

    let mut later = Tms::default();
    let end = sys::times(Some(&mut later));
    assert!(end.wrapping_sub(begin) > 0, "{begin} to {end}");
    assert!(
        later.tms_utime + later.tms_stime > tms.tms_utime + tms.tms_stime,
        "{later:?}"
    );
    assert!(sys::times(None).wrapping_sub(end) >= 0);
    seen!(times);
}

fn names() {
    let name = ok!(uname());
    assert_eq!(name.sysname(), c"Linux");
    let release = name.release().to_bytes();
    assert!(release.contains(&b'.') && release[0].is_ascii_digit());
    assert!(!name.version().is_empty() && !name.machine().is_empty());
    let machines: &[_] = match freestand::arch::NAME {
        "i386" => &[c"x86_64", c"i686"],
        "x86_64" => &[c"x86_64"],
        "aarch64" => &[c"aarch64"],
        _ => &[c"riscv64"],
    };
    assert!(machines.contains(&name.machine()), "{name:?}");
    let _ = (name.nodename(), name.domainname());
}

fn numbers() {
    let info = ok!(sysinfo());
    assert!(info.uptime > 0 && info.procs > 0 && info.mem_unit > 0);
    assert!(info.totalram > 0 && info.freeram <= info.totalram);
    let uptime = sys::clock_gettime(sys::Clock::BOOTTIME).expect("every kernel has it");
    assert!((uptime.tv_sec - info.uptime as i64).abs() <= 60);
}

fn processors() {
    let this = Tid(0);
    let all = ok!(sched_getaffinity(this));
    assert!(all.count() > 0);
    assert_eq!(ok!(sched_getaffinity(sys::gettid())), all);
    err!(ESRCH, sched_getaffinity(Tid(NOBODY)));

    let last = (0..CpuSet::MAX)
        .rfind(|&cpu| all.contains(cpu))
        .expect("there is one");
    let mut one = CpuSet::empty();
    one.add(last);
    assert_eq!(one.count(), 1);
    ok!(sched_setaffinity(this, &one));
    assert_eq!(ok!(sched_getaffinity(this)), one);
    ok!(sched_setaffinity(sys::gettid(), &all));
    assert_eq!(ok!(sched_getaffinity(this)), all);
    err!(ESRCH, sched_setaffinity(Tid(NOBODY), &all));
    err!(EINVAL, sched_setaffinity(this, &CpuSet::empty()));

    one.remove(last);
    assert_eq!(one, CpuSet::empty());
    assert!(!one.contains(last) && !one.contains(CpuSet::MAX));
}

fn priorities() {
    let nice = ok!(getpriority(PriorityOf::Process(Tid(0))));
    assert!((-20..20).contains(&nice));
    assert_eq!(ok!(getpriority(PriorityOf::Process(sys::gettid()))), nice);
    // The most favoured of several.
    assert!(ok!(getpriority(PriorityOf::User(sys::getuid()))) <= nice);
    assert!(ok!(getpriority(PriorityOf::Group(sys::getpgrp()))) <= nice);
    err!(ESRCH, getpriority(PriorityOf::Process(Tid(NOBODY))));
    err!(ESRCH, getpriority(PriorityOf::Group(Pid(NOBODY))));

    ok!(setpriority(PriorityOf::Process(Tid(0)), 18));
    assert_eq!(ok!(getpriority(PriorityOf::Process(Tid(0)))), 18.max(nice));
    ok!(setpriority(PriorityOf::Process(sys::gettid()), 19));
    assert_eq!(ok!(getpriority(PriorityOf::Process(Tid(0)))), 19);
    err!(ESRCH, setpriority(PriorityOf::Process(Tid(NOBODY)), 19));
    err!(ESRCH, setpriority(PriorityOf::User(Uid(u32::MAX - 1)), 19));
}

fn random_bytes() {
    let mut first = [0; 64];
    let mut second = [0; 64];
    assert_eq!(ok!(getrandom(&mut first, GrndFlags::empty())), 64);
    assert_eq!(ok!(getrandom(&mut second, GrndFlags::NONBLOCK)), 64);
    assert_ne!(first, second);
    // All of it is filled: 8 zeros are no chance.
    for bytes in [first, second] {
        assert!(bytes.chunks(8).all(|chunk| chunk != [0; 8]));
    }
    assert_eq!(ok!(getrandom(&mut [], GrndFlags::empty())), 0);
    err!(
        EINVAL,
        getrandom(&mut first, GrndFlags::from_bits_retain(1 << 31))
    );
    err!(
        EINVAL,
        getrandom(&mut first, GrndFlags::RANDOM | GrndFlags::INSECURE)
    );
}
