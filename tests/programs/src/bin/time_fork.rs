//! A child by fork has other random bytes than its parent, whatever its parent's
//! generator was about to make.

#![no_std]
#![no_main]

use freestand::random;
use freestand::sys::{self, PipeFlags};
use test_programs::child::in_child;

freestand::entry!(main);

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    random::fill(&mut bytes).expect("every kernel has it");
    bytes
}

fn main() {
    let [reader, writer] = sys::pipe2(PipeFlags::empty()).expect("there may be two more");
    let mut all = [[0; 32]; 9];
    all[0] = random();
    for round in 0..4 {
        in_child(|| {
            let written = sys::write(writer.as_fd(), &random());
            assert_eq!(written, Ok(32));
        });
        all[2 * round + 1] = random();
        let read = sys::read(reader.as_fd(), &mut all[2 * round + 2]);
        assert_eq!(read, Ok(32));
    }
    for (index, bytes) in all.iter().enumerate() {
        assert!(!all[..index].contains(bytes), "{index}: {all:?}");
    }
}
