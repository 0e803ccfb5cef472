//! The instructions of memmove, memset, memcmp, strlen and memchr.
//!
//! Arguments and results are in x0 to x2; x3 to x15, v0 to v7 and v16 to v31 need not be
//! preserved (AAPCS64, "General-purpose Registers", "SIMD and Floating-Point registers").
//! Memory may be accessed at any alignment.
//!
//! Sizes fall into classes, each with few branches:
//!
//! - Up to 128 bytes there is no loop. Between one power of two and the next, so many
//!   bytes from the start and so many up to the end are all of them; those in the middle
//!   are done twice. All is read before anything is written: overlap does not matter.
//! - More are done in blocks of 64 bytes, or 32 where bytes are compared, and the rest as
//!   one more block that ends where the bytes end.
//! - Where the end is not known or a match ends it, blocks are aligned: one of which a
//!   byte is the caller's lies in a page with it, so it can be read to its end.
//!
//! NEON is part of every processor: nothing asks what there is.

/// memmove(x0: dest, x1: src, x2: n) -> x0: dest, which is memcpy as well.
macro_rules! memmove {
    () => {
        core::arch::naked_asm!(
            // Behind the source and the destination.
            "add x3, x1, x2",
            "add x4, x0, x2",
            "cmp x2, #16",
            "b.lo 5f",
            "cmp x2, #32",
            "b.hi 2f",
            // 16 to 32.
            "ldr q0, [x1]",
            "ldr q1, [x3, #-16]",
            "str q0, [x0]",
            "str q1, [x4, #-16]",
            "ret",
            "2:",
            "cmp x2, #64",
            "b.hi 3f",
            // 33 to 64.
            "ldp q0, q1, [x1]",
            "ldp q2, q3, [x3, #-32]",
            "stp q0, q1, [x0]",
            "stp q2, q3, [x4, #-32]",
            "ret",
            "3:",
            "cmp x2, #128",
            "b.hi 4f",
            // 65 to 128.
            "ldp q0, q1, [x1]",
            "ldp q2, q3, [x1, #32]",
            "ldp q4, q5, [x3, #-64]",
            "ldp q6, q7, [x3, #-32]",
            "stp q0, q1, [x0]",
            "stp q2, q3, [x0, #32]",
            "stp q4, q5, [x4, #-64]",
            "stp q6, q7, [x4, #-32]",
            "ret",
            // More. What is written in blocks is aligned; what they leave at both ends
            // is read before and written after them. They go up, unless that would
            // overwrite what is still to be read: the destination begins inside of the
            // source.
            "4:",
            "sub x5, x0, x1",
            "cmp x5, x2",
            "b.lo 3f",
            "ldr q16, [x1]",
            "ldp q4, q5, [x3, #-64]",
            "ldp q6, q7, [x3, #-32]",
            // 32 bytes before the first block: 16 before where the destination is
            // rounded down to, and as far before the source.
            "and x5, x0, #15",
            "add x5, x5, #16",
            "sub x6, x1, x5",
            "sub x5, x0, x5",
            // Up to where 64 bytes or less are left.
            "sub x7, x4, #96",
            "2:",
            "ldp q0, q1, [x6, #32]",
            "ldp q2, q3, [x6, #64]!",
            "stp q0, q1, [x5, #32]",
            "stp q2, q3, [x5, #64]!",
            "cmp x5, x7",
            "b.lo 2b",
            "str q16, [x0]",
            "stp q4, q5, [x4, #-64]",
            "stp q6, q7, [x4, #-32]",
            "ret",
            // The same from the end down.
            "3:",
            "ldp q4, q5, [x1]",
            "ldp q6, q7, [x1, #32]",
            "ldr q16, [x3, #-16]",
            "and x5, x4, #15",
            "sub x6, x3, x5",
            "sub x5, x4, x5",
            "add x7, x0, #64",
            "2:",
            "ldp q0, q1, [x6, #-32]",
            "ldp q2, q3, [x6, #-64]!",
            "stp q0, q1, [x5, #-32]",
            "stp q2, q3, [x5, #-64]!",
            "cmp x5, x7",
            "b.hi 2b",
            "str q16, [x4, #-16]",
            "stp q4, q5, [x0]",
            "stp q6, q7, [x0, #32]",
            "ret",
            "5:",
            "tbz x2, #3, 2f",
            // 8 to 15.
            "ldr x5, [x1]",
            "ldr x6, [x3, #-8]",
            "str x5, [x0]",
            "str x6, [x4, #-8]",
            "ret",
            "2:",
            "tbz x2, #2, 3f",
            // 4 to 7.
            "ldr w5, [x1]",
            "ldr w6, [x3, #-4]",
            "str w5, [x0]",
            "str w6, [x4, #-4]",
            "ret",
            "3:",
            "cbz x2, 4f",
            // 1 to 3: the first, the middle and the last.
            "lsr x2, x2, #1",
            "ldrb w5, [x1]",
            "ldrb w6, [x1, x2]",
            "ldrb w7, [x3, #-1]",
            "strb w5, [x0]",
            "strb w6, [x0, x2]",
            "strb w7, [x4, #-1]",
            "4:",
            "ret",
        )
    };
}
pub(crate) use memmove;

/// memset(x0: dest, w1: value, x2: n) -> x0: dest.
macro_rules! memset {
    () => {
        core::arch::naked_asm!(
            "dup v0.16b, w1",
            // Behind the destination.
            "add x4, x0, x2",
            "cmp x2, #16",
            "b.lo 5f",
            "cmp x2, #32",
            "b.hi 2f",
            // 16 to 32.
            "str q0, [x0]",
            "str q0, [x4, #-16]",
            "ret",
            "2:",
            "cmp x2, #64",
            "b.hi 3f",
            // 33 to 64.
            "stp q0, q0, [x0]",
            "stp q0, q0, [x4, #-32]",
            "ret",
            "3:",
            "cmp x2, #128",
            "b.hi 4f",
            // 65 to 128.
            "stp q0, q0, [x0]",
            "stp q0, q0, [x0, #32]",
            "stp q0, q0, [x4, #-64]",
            "stp q0, q0, [x4, #-32]",
            "ret",
            // More: what aligned blocks leave at both ends, and they.
            "4:",
            "str q0, [x0]",
            "stp q0, q0, [x4, #-64]",
            "stp q0, q0, [x4, #-32]",
            // 32 bytes before the first block.
            "and x5, x0, #-16",
            "sub x5, x5, #16",
            // Up to where 64 bytes or less are left.
            "sub x6, x4, #96",
            "2:",
            "stp q0, q0, [x5, #32]",
            "stp q0, q0, [x5, #64]!",
            "cmp x5, x6",
            "b.lo 2b",
            "ret",
            "5:",
            "tbz x2, #3, 2f",
            // 8 to 15.
            "str d0, [x0]",
            "str d0, [x4, #-8]",
            "ret",
            "2:",
            "tbz x2, #2, 3f",
            // 4 to 7.
            "str s0, [x0]",
            "str s0, [x4, #-4]",
            "ret",
            "3:",
            "cbz x2, 4f",
            // 1 to 3: the first, the middle and the last.
            "lsr x2, x2, #1",
            "strb w1, [x0]",
            "strb w1, [x0, x2]",
            "strb w1, [x4, #-1]",
            "4:",
            "ret",
        )
    };
}
pub(crate) use memset;

/// memcmp(x0: a, x1: b, x2: n) -> w0, which is bcmp as well.
///
/// Of two words the first byte counts most: they are compared with their bytes reversed.
macro_rules! memcmp {
    () => {
        core::arch::naked_asm!(
            "cmp x2, #16",
            "b.ls 5f",
            // Behind a and b.
            "add x7, x0, x2",
            "add x8, x1, x2",
            "cmp x2, #32",
            "b.ls 3f",
            // More than 32: blocks, up to where 32 bytes or less are left, or to one
            // that differs.
            "sub x9, x7, #32",
            "2:",
            "ldp q0, q1, [x0], #32",
            "ldp q2, q3, [x1], #32",
            "eor v0.16b, v0.16b, v2.16b",
            "eor v1.16b, v1.16b, v3.16b",
            "orr v0.16b, v0.16b, v1.16b",
            // To 8 bytes, 0 if all 16 are.
            "umaxp v0.4s, v0.4s, v0.4s",
            "fmov x3, d0",
            "cmp x0, x9",
            "ccmp x3, #0, #0, lo",
            "b.eq 2b",
            // What decides is either that block or the last 32 bytes.
            "cmp x3, #0",
            "csel x7, x0, x7, ne",
            "csel x8, x1, x8, ne",
            "sub x0, x7, #32",
            "sub x1, x8, #32",
            // 17 to 32.
            "3:",
            "ldp x3, x5, [x0]",
            "ldp x4, x6, [x1]",
            "cmp x3, x4",
            "ccmp x5, x6, #0, eq",
            "b.ne 2f",
            "ldp x3, x5, [x7, #-16]",
            "ldp x4, x6, [x8, #-16]",
            // Two words each: the second counts if the first are equal.
            "2:",
            "cmp x3, x4",
            "csel x3, x5, x3, eq",
            "csel x4, x6, x4, eq",
            // The order of two words, which is that of their bytes.
            "4:",
            "rev x3, x3",
            "rev x4, x4",
            "cmp x3, x4",
            "cset w0, ne",
            "cneg w0, w0, lo",
            "ret",
            "5:",
            "cmp x2, #8",
            "b.lo 2f",
            // 8 to 16.
            "ldr x3, [x0]",
            "ldr x4, [x1]",
            "cmp x3, x4",
            "b.ne 4b",
            "sub x2, x2, #8",
            "ldr x3, [x0, x2]",
            "ldr x4, [x1, x2]",
            "cmp x3, x4",
            "b.ne 4b",
            "mov w0, #0",
            "ret",
            "2:",
            "tbz x2, #2, 3f",
            // 4 to 7: the first 4 and the last, as one word each.
            "sub x2, x2, #4",
            "ldr w3, [x0]",
            "ldr w4, [x1]",
            "ldr w5, [x0, x2]",
            "ldr w6, [x1, x2]",
            "orr x3, x3, x5, lsl #32",
            "orr x4, x4, x6, lsl #32",
            "b 4b",
            "3:",
            "tbz x2, #1, 2f",
            // 2 and 3: the first 2 and the last.
            "sub x2, x2, #1",
            "ldrh w3, [x0]",
            "ldrh w4, [x1]",
            "ldrb w5, [x0, x2]",
            "ldrb w6, [x1, x2]",
            "orr x3, x3, x5, lsl #16",
            "orr x4, x4, x6, lsl #16",
            "b 4b",
            "2:",
            "cbz x2, 3f",
            "ldrb w3, [x0]",
            "ldrb w4, [x1]",
            "sub w0, w3, w4",
            "ret",
            "3:",
            "mov w0, #0",
            "ret",
        )
    };
}
pub(crate) use memcmp;

/// strlen(x0: string) -> x0.
///
/// What `cmeq` finds is narrowed to four bits for each byte, of which the first that is
/// set tells where.
macro_rules! strlen {
    () => {
        core::arch::naked_asm!(
            // The 16 bytes in which the string begins, less those before it: shifts
            // count modulo 64.
            "and x1, x0, #-16",
            "ldr q0, [x1]",
            "cmeq v0.16b, v0.16b, #0",
            "shrn v0.8b, v0.8h, #4",
            "fmov x2, d0",
            "lsl x3, x0, #2",
            "lsr x2, x2, x3",
            "cbz x2, 2f",
            "rbit x2, x2",
            "clz x2, x2",
            "lsr x0, x2, #2",
            "ret",
            "2:",
            "tbnz x1, #4, 3f",
            // The second half of that block of 32.
            "ldr q0, [x1, #16]!",
            "cmeq v0.16b, v0.16b, #0",
            "shrn v0.8b, v0.8h, #4",
            "fmov x2, d0",
            "cbnz x2, 4f",
            // Blocks of 32 behind it.
            "3:",
            "ldr q0, [x1, #16]",
            "ldr q1, [x1, #32]!",
            "umin v2.16b, v0.16b, v1.16b",
            "cmeq v2.16b, v2.16b, #0",
            "umaxp v2.4s, v2.4s, v2.4s",
            "fmov x2, d2",
            "cbz x2, 3b",
            // The half with the NUL.
            "cmeq v0.16b, v0.16b, #0",
            "shrn v0.8b, v0.8h, #4",
            "fmov x2, d0",
            "sub x1, x1, #16",
            "cbnz x2, 4f",
            "cmeq v0.16b, v1.16b, #0",
            "shrn v0.8b, v0.8h, #4",
            "fmov x2, d0",
            "add x1, x1, #16",
            "4:",
            "rbit x2, x2",
            "clz x2, x2",
            "sub x0, x1, x0",
            "add x0, x0, x2, lsr #2",
            "ret",
        )
    };
}
pub(crate) use strlen;

/// memchr(x0: s, w1: value, x2: n) -> x0: where, or 0.
///
/// As strlen; what is found behind the end is not what was looked for.
macro_rules! memchr {
    () => {
        core::arch::naked_asm!(
            "cbz x2, 6f",
            "dup v4.16b, w1",
            // The last byte, or that of memory: n may be more than there is.
            "sub x4, x2, #1",
            "adds x4, x4, x0",
            "csinv x4, x4, xzr, lo",
            "and x1, x0, #-16",
            "ldr q0, [x1]",
            "cmeq v0.16b, v0.16b, v4.16b",
            "shrn v0.8b, v0.8h, #4",
            "fmov x3, d0",
            // Without what is before the first: shifts count modulo 64.
            "lsl x5, x0, #2",
            "lsr x3, x3, x5",
            "lsl x3, x3, x5",
            "cbnz x3, 5f",
            "add x1, x1, #16",
            "cmp x1, x4",
            "b.hi 6f",
            "tbz x1, #4, 2f",
            // The second half of that block of 32.
            "ldr q0, [x1]",
            "cmeq v0.16b, v0.16b, v4.16b",
            "shrn v0.8b, v0.8h, #4",
            "fmov x3, d0",
            "cbnz x3, 5f",
            "add x1, x1, #16",
            // Blocks of 32 behind it.
            "2:",
            "cmp x1, x4",
            "b.hi 6f",
            "ldp q0, q1, [x1], #32",
            "cmeq v0.16b, v0.16b, v4.16b",
            "cmeq v1.16b, v1.16b, v4.16b",
            "orr v2.16b, v0.16b, v1.16b",
            "umaxp v2.4s, v2.4s, v2.4s",
            "fmov x3, d2",
            "cbz x3, 2b",
            // The half with the byte.
            "shrn v0.8b, v0.8h, #4",
            "fmov x3, d0",
            "sub x1, x1, #32",
            "cbnz x3, 5f",
            "shrn v0.8b, v1.8h, #4",
            "fmov x3, d0",
            "add x1, x1, #16",
            "5:",
            "rbit x3, x3",
            "clz x3, x3",
            "add x0, x1, x3, lsr #2",
            "cmp x0, x4",
            "csel x0, x0, xzr, ls",
            "ret",
            "6:",
            "mov x0, #0",
            "ret",
        )
    };
}
pub(crate) use memchr;
