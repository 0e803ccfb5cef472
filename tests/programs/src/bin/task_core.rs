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
}
