//! scratch
#![no_std]
#![no_main]
use core::sync::atomic::{AtomicU64, Ordering::*};
use core::time::Duration;
use freestand::{println, task};
freestand::entry!(main);
static N: AtomicU64 = AtomicU64::new(0);
fn main() {
    let h = task::spawn(|| {
        println!("in task");
        7
    });
    println!("joined {}", h.join().unwrap());
    let t = freestand::time::Instant::now();
    task::scope(|s| {
        for _ in 0..1000 {
            s.spawn(|| {
                for _ in 0..100 {
                    task::yield_now();
                }
                N.fetch_add(1, Relaxed);
            });
        }
    });
    println!("N {} {:?}", N.load(Relaxed), t.elapsed());
    let t = freestand::time::Instant::now();
    task::sleep(Duration::from_millis(20));
    println!("slept {:?}", t.elapsed());
    let t = freestand::time::Instant::now();
    task::scope(|s| {
        for _ in 0..100 {
            s.spawn(|| {
                let _ = freestand::thread::sleep(Duration::from_millis(50));
                N.fetch_add(1, Relaxed);
            });
        }
    });
    println!("100 blocking 50 ms {:?}", t.elapsed());
    let t = freestand::time::Instant::now();
    for _ in 0..1_000_000u32 {
        task::spawn(|| {
            N.fetch_add(1, Relaxed);
        });
    }
    while N.load(Relaxed) < 1_001_100 {
        task::yield_now();
    }
    println!("1M {:?}", t.elapsed());
    preempt();
}
pub static STOP: core::sync::atomic::AtomicBool = core::sync::atomic::AtomicBool::new(false);
fn spin() {
    // no calls into the runtime: floating point state must survive
    let mut x = 1.0f64; let mut i = 0u64;
    while !STOP.load(Relaxed) { x = x * 1.000001; if x > 1e9 { x = 1.0 } i += 1; N.fetch_add(i & 1, Relaxed); }
    core::hint::black_box(x);
}
fn preempt() {
    let t = freestand::time::Instant::now();
    let a = [0; 4].map(|_| task::spawn(spin));
    let mut slept = [0u128; 10];
    for s in &mut slept { let t = freestand::time::Instant::now(); task::sleep(Duration::from_millis(1)); *s = t.elapsed().as_micros(); }
    STOP.store(true, Relaxed);
    for h in a { h.join().unwrap(); }
    println!("preempt {:?} {:?}", t.elapsed(), slept);
    println!("{:?}", task::sched::stats());
}
