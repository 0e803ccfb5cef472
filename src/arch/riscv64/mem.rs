//! The instructions of memmove, memset, memcmp, strlen and memchr.
//!
//! Arguments and results are in a0 to a2; a3 to a7 and t0 to t6 need not be preserved
//! (RISC-V psABI, "Integer Register Convention").
//!
//! A misaligned access may trap, or be done by the kernel, a thousand times slower: there
//! is none. An aligned word of which one byte is the caller's lies in a page with it, so
//! it can be read whole.
//!
//! - Less than 16 bytes are done as bytes.
//! - Of more, bytes are done up to the first aligned word that is written (memcmp: of a),
//!   then words, then the bytes that are left. Where the other side is not aligned with
//!   it, each of its words is put together of two aligned ones.
//! - Where the end is not known or a match ends it, a word at a time is looked at: with
//!   `ones` 1 in each byte, `(word - ones) & !word & ones << 7` is not 0 if and only if
//!   a byte is, and the lowest bit in it is in the first such byte. A borrow only reaches
//!   bytes behind that.
//!
//! What is left of a loop's size is no loop: as many steps as there may be stand in a
//! row, and the row is entered (`enter!`) where as many are ahead as are to be done.

/// The instructions of a function. Where all of a program is compiled at once (LTO), nobody
/// tells the assembler what the target has: multiplication, and instructions of two bytes.
macro_rules! code {
    ($($code:expr),* $(,)?) => {
        core::arch::naked_asm!(
            ".option push",
            ".option arch, +m, +c",
            $($code,)*
            ".option pop",
        )
    };
}
pub(crate) use code;

/// Goes to as many bytes of instructions before the label `$end` as t0 says. A row's
/// instructions have all four bytes.
macro_rules! enter {
    ($end:literal) => {
        concat!(
            "8: auipc t1, %pcrel_hi(",
            $end,
            ")\n",
            "sub t1, t1, t0\n",
            "jalr zero, %pcrel_lo(8b)(t1)"
        )
    };
}
pub(crate) use enter;

/// A row: `$step` for each of these numbers, which it calls `\i`, and `$end`.
macro_rules! row {
    ($numbers:literal: $($step:literal),*; $end:literal) => {
        concat!(
            ".option push\n .option norvc\n",
            ".irp i, ", $numbers, "\n",
            $($step, "\n",)*
            ".endr\n .option pop\n",
            $end, ":"
        )
    };
}
pub(crate) use row;

/// memmove(a0: dest, a1: src, a2: n) -> a0: dest, which is memcpy as well.
///
/// a1 and a3 go along the source and the destination: up, or down if the destination
/// begins inside of the source and going up would overwrite what is still to be read.
macro_rules! memmove {
    () => {
        code!(
            "mv a3, a0",
            "sub t0, a0, a1",
            "bltu t0, a2, 6f",
            "li t1, 16",
            "bltu a2, t1, 5f",
            // Bytes, to where a word can be written.
            "neg t0, a3",
            "andi t0, t0, 7",
            "beqz t0, 2f",
            "add a1, a1, t0",
            "add a3, a3, t0",
            "sub a2, a2, t0",
            "slli t0, t0, 3",
            enter!("2f"),
            row!("7,6,5,4,3,2,1": "lbu t1, -\\i(a1)", "sb t1, -\\i(a3)"; "2"),
            "andi t0, a1, 7",
            "bnez t0, 4f",
            // 64 bytes at a time.
            "andi t0, a2, -64",
            "beqz t0, 3f",
            "add a4, a3, t0",
            "2:",
            "ld t0, 0(a1)",
            "ld t1, 8(a1)",
            "ld t2, 16(a1)",
            "ld t3, 24(a1)",
            "ld t4, 32(a1)",
            "ld t5, 40(a1)",
            "ld t6, 48(a1)",
            "ld a5, 56(a1)",
            "sd t0, 0(a3)",
            "sd t1, 8(a3)",
            "sd t2, 16(a3)",
            "sd t3, 24(a3)",
            "sd t4, 32(a3)",
            "sd t5, 40(a3)",
            "sd t6, 48(a3)",
            "sd a5, 56(a3)",
            "addi a1, a1, 64",
            "addi a3, a3, 64",
            "bne a3, a4, 2b",
            // The words that are left.
            "3:",
            "andi t0, a2, 56",
            "beqz t0, 2f",
            "add a1, a1, t0",
            "add a3, a3, t0",
            enter!("2f"),
            row!(
                "56,48,40,32,24,16,8": "ld t1, -\\i(a1)", "sd t1, -\\i(a3)"; "2"
            ),
            "andi a2, a2, 7",
            // The bytes that are left, or all if they are few.
            "5:",
            "add a1, a1, a2",
            "add a3, a3, a2",
            "slli t0, a2, 3",
            enter!("2f"),
            row!(
                "15,14,13,12,11,10,9,8,7,6,5,4,3,2,1": "lbu t1, -\\i(a1)", "sb t1, -\\i(a3)"; "2"
            ),
            "ret",
            // The source is t0 bytes behind an aligned word: of two words, the first is
            // shifted right by t2 bits and the second left by t3, modulo 64.
            "4:",
            "sub a1, a1, t0",
            "slli t2, t0, 3",
            "neg t3, t2",
            "ld t4, 0(a1)",
            "andi t1, a2, -32",
            "beqz t1, 3f",
            "add a4, a3, t1",
            // 32 bytes at a time.
            "2:",
            "ld t5, 8(a1)",
            "ld t6, 16(a1)",
            "ld a5, 24(a1)",
            "srl t4, t4, t2",
            "sll a6, t5, t3",
            "or a6, a6, t4",
            "ld t4, 32(a1)",
            "sd a6, 0(a3)",
            "srl t5, t5, t2",
            "sll a6, t6, t3",
            "or a6, a6, t5",
            "sd a6, 8(a3)",
            "srl t6, t6, t2",
            "sll a6, a5, t3",
            "or a6, a6, t6",
            "sd a6, 16(a3)",
            "srl a5, a5, t2",
            "sll a6, t4, t3",
            "or a6, a6, a5",
            "sd a6, 24(a3)",
            "addi a1, a1, 32",
            "addi a3, a3, 32",
            "bne a3, a4, 2b",
            // The words that are left.
            "3:",
            "andi t1, a2, 24",
            "beqz t1, 3f",
            "add a4, a3, t1",
            "2:",
            "ld t5, 8(a1)",
            "srl t4, t4, t2",
            "sll a6, t5, t3",
            "or a6, a6, t4",
            "sd a6, 0(a3)",
            "mv t4, t5",
            "addi a1, a1, 8",
            "addi a3, a3, 8",
            "bne a3, a4, 2b",
            "3:",
            "add a1, a1, t0",
            "andi a2, a2, 7",
            "j 5b",
            // The same from the ends down.
            "6:",
            "add a1, a1, a2",
            "add a3, a3, a2",
            "li t1, 16",
            "bltu a2, t1, 5f",
            // Bytes, to where a word can be written.
            "andi t0, a3, 7",
            "beqz t0, 2f",
            "sub a1, a1, t0",
            "sub a3, a3, t0",
            "sub a2, a2, t0",
            "slli t0, t0, 3",
            enter!("2f"),
            row!("6,5,4,3,2,1,0": "lbu t1, \\i(a1)", "sb t1, \\i(a3)"; "2"),
            "andi t0, a1, 7",
            "bnez t0, 4f",
            // 64 bytes at a time.
            "andi t0, a2, -64",
            "beqz t0, 3f",
            "sub a4, a3, t0",
            "2:",
            "ld t0, -8(a1)",
            "ld t1, -16(a1)",
            "ld t2, -24(a1)",
            "ld t3, -32(a1)",
            "ld t4, -40(a1)",
            "ld t5, -48(a1)",
            "ld t6, -56(a1)",
            "ld a5, -64(a1)",
            "sd t0, -8(a3)",
            "sd t1, -16(a3)",
            "sd t2, -24(a3)",
            "sd t3, -32(a3)",
            "sd t4, -40(a3)",
            "sd t5, -48(a3)",
            "sd t6, -56(a3)",
            "sd a5, -64(a3)",
            "addi a1, a1, -64",
            "addi a3, a3, -64",
            "bne a3, a4, 2b",
            // The words that are left.
            "3:",
            "andi t0, a2, 56",
            "beqz t0, 2f",
            "sub a1, a1, t0",
            "sub a3, a3, t0",
            enter!("2f"),
            row!(
                "48,40,32,24,16,8,0": "ld t1, \\i(a1)", "sd t1, \\i(a3)"; "2"
            ),
            "andi a2, a2, 7",
            // The bytes that are left, or all if they are few.
            "5:",
            "sub a1, a1, a2",
            "sub a3, a3, a2",
            "slli t0, a2, 3",
            enter!("2f"),
            row!(
                "14,13,12,11,10,9,8,7,6,5,4,3,2,1,0": "lbu t1, \\i(a1)", "sb t1, \\i(a3)"; "2"
            ),
            "ret",
            // The source ends t0 bytes behind an aligned word.
            "4:",
            "sub a1, a1, t0",
            "slli t2, t0, 3",
            "neg t3, t2",
            "ld t4, 0(a1)",
            "andi t1, a2, -32",
            "beqz t1, 3f",
            "sub a4, a3, t1",
            // 32 bytes at a time.
            "2:",
            "ld t5, -8(a1)",
            "ld t6, -16(a1)",
            "ld a5, -24(a1)",
            "sll t4, t4, t3",
            "srl a6, t5, t2",
            "or a6, a6, t4",
            "ld t4, -32(a1)",
            "sd a6, -8(a3)",
            "sll t5, t5, t3",
            "srl a6, t6, t2",
            "or a6, a6, t5",
            "sd a6, -16(a3)",
            "sll t6, t6, t3",
            "srl a6, a5, t2",
            "or a6, a6, t6",
            "sd a6, -24(a3)",
            "sll a5, a5, t3",
            "srl a6, t4, t2",
            "or a6, a6, a5",
            "sd a6, -32(a3)",
            "addi a1, a1, -32",
            "addi a3, a3, -32",
            "bne a3, a4, 2b",
            // The words that are left.
            "3:",
            "andi t1, a2, 24",
            "beqz t1, 3f",
            "sub a4, a3, t1",
            "2:",
            "ld t5, -8(a1)",
            "sll t4, t4, t3",
            "srl a6, t5, t2",
            "or a6, a6, t4",
            "sd a6, -8(a3)",
            "mv t4, t5",
            "addi a1, a1, -8",
            "addi a3, a3, -8",
            "bne a3, a4, 2b",
            "3:",
            "add a1, a1, t0",
            "andi a2, a2, 7",
            "j 5b",
        )
    };
}
pub(crate) use memmove;

/// memset(a0: dest, a1: value, a2: n) -> a0: dest.
macro_rules! memset {
    () => {
        code!(
            "mv a3, a0",
            "li t1, 16",
            "bltu a2, t1, 5f",
            // The byte in all of a word.
            "andi a1, a1, 255",
            "slli t0, a1, 8",
            "or a1, a1, t0",
            "slli t0, a1, 16",
            "or a1, a1, t0",
            "slli t0, a1, 32",
            "or a1, a1, t0",
            // Bytes, to where a word can be written.
            "neg t0, a3",
            "andi t0, t0, 7",
            "beqz t0, 2f",
            "add a3, a3, t0",
            "sub a2, a2, t0",
            "slli t0, t0, 2",
            enter!("2f"),
            row!("7,6,5,4,3,2,1": "sb a1, -\\i(a3)"; "2"),
            // 64 bytes at a time.
            "andi t0, a2, -64",
            "beqz t0, 3f",
            "add a4, a3, t0",
            "2:",
            "sd a1, 0(a3)",
            "sd a1, 8(a3)",
            "sd a1, 16(a3)",
            "sd a1, 24(a3)",
            "sd a1, 32(a3)",
            "sd a1, 40(a3)",
            "sd a1, 48(a3)",
            "sd a1, 56(a3)",
            "addi a3, a3, 64",
            "bne a3, a4, 2b",
            // The words that are left.
            "3:",
            "andi t0, a2, 56",
            "beqz t0, 2f",
            "add a3, a3, t0",
            "srli t0, t0, 1",
            enter!("2f"),
            row!("56,48,40,32,24,16,8": "sd a1, -\\i(a3)"; "2"),
            "andi a2, a2, 7",
            // The bytes that are left, or all if they are few.
            "5:",
            "add a3, a3, a2",
            "slli t0, a2, 2",
            enter!("2f"),
            row!(
                "15,14,13,12,11,10,9,8,7,6,5,4,3,2,1": "sb a1, -\\i(a3)"; "2"
            ),
            "ret",
        )
    };
}
pub(crate) use memset;

/// memcmp(a0: a, a1: b, a2: n) -> a0, which is bcmp as well.
macro_rules! memcmp {
    () => {
        code!(
            "li t1, 16",
            "bltu a2, t1, 5f",
            // Bytes, to where a has a word: a step is 12 bytes of instructions.
            "neg t0, a0",
            "andi t0, t0, 7",
            "beqz t0, 2f",
            "add a0, a0, t0",
            "add a1, a1, t0",
            "sub a2, a2, t0",
            "slli t1, t0, 1",
            "add t0, t0, t1",
            "slli t0, t0, 2",
            enter!("2f"),
            row!(
                "7,6,5,4,3,2,1": "lbu t2, -\\i(a0)", "lbu t3, -\\i(a1)", "bne t2, t3, 9f"; "2"
            ),
            // Behind the last block of 32, and behind the last word.
            "andi a3, a2, -32",
            "andi a4, a2, -8",
            "andi a2, a2, 7",
            "add a3, a3, a0",
            "add a4, a4, a0",
            "andi t0, a1, 7",
            "bnez t0, 4f",
            // 32 bytes at a time, to the end or to some that differ.
            "beq a0, a3, 3f",
            "2:",
            "ld t0, 0(a0)",
            "ld t1, 0(a1)",
            "ld t2, 8(a0)",
            "ld t3, 8(a1)",
            "ld t4, 16(a0)",
            "ld t5, 16(a1)",
            "ld t6, 24(a0)",
            "ld a5, 24(a1)",
            "bne t0, t1, 2f",
            "bne t2, t3, 3f",
            "bne t4, t5, 3f",
            "bne t6, a5, 3f",
            "addi a0, a0, 32",
            "addi a1, a1, 32",
            "bne a0, a3, 2b",
            // A word at a time.
            "3:",
            "beq a0, a4, 5f",
            "ld t0, 0(a0)",
            "ld t1, 0(a1)",
            "bne t0, t1, 2f",
            "addi a0, a0, 8",
            "addi a1, a1, 8",
            "j 3b",
            // A word differs: which byte, the bytes tell.
            "2:",
            "li a2, 8",
            // The bytes that are left, or all if they are few.
            "5:",
            "add a0, a0, a2",
            "add a1, a1, a2",
            "slli t1, a2, 1",
            "add t0, a2, t1",
            "slli t0, t0, 2",
            enter!("2f"),
            row!(
                "15,14,13,12,11,10,9,8,7,6,5,4,3,2,1":
                "lbu t2, -\\i(a0)", "lbu t3, -\\i(a1)", "bne t2, t3, 9f"; "2"
            ),
            "li a0, 0",
            "ret",
            "9:",
            "sub a0, t2, t3",
            "ret",
            // b is t0 bytes behind an aligned word: of two words, the first is shifted
            // right by t2 bits and the second left by t3, modulo 64.
            "4:",
            "sub a1, a1, t0",
            "slli t2, t0, 3",
            "neg t3, t2",
            "beq a0, a3, 3f",
            // 32 bytes at a time, to the end or to some that differ.
            "ld t4, 0(a1)",
            "2:",
            "ld t5, 8(a1)",
            "ld t6, 0(a0)",
            "srl t4, t4, t2",
            "sll t1, t5, t3",
            "or t1, t1, t4",
            "bne t1, t6, 3f",
            "ld t4, 16(a1)",
            "ld t6, 8(a0)",
            "srl t5, t5, t2",
            "sll t1, t4, t3",
            "or t1, t1, t5",
            "bne t1, t6, 3f",
            "ld t5, 24(a1)",
            "ld t6, 16(a0)",
            "srl t4, t4, t2",
            "sll t1, t5, t3",
            "or t1, t1, t4",
            "bne t1, t6, 3f",
            "ld t4, 32(a1)",
            "ld t6, 24(a0)",
            "srl t5, t5, t2",
            "sll t1, t4, t3",
            "or t1, t1, t5",
            "bne t1, t6, 3f",
            "addi a0, a0, 32",
            "addi a1, a1, 32",
            "bne a0, a3, 2b",
            // A word at a time.
            "3:",
            "beq a0, a4, 3f",
            "ld t4, 0(a1)",
            "2:",
            "ld t5, 8(a1)",
            "ld t6, 0(a0)",
            "srl t4, t4, t2",
            "sll t1, t5, t3",
            "or t1, t1, t4",
            "bne t1, t6, 4f",
            "mv t4, t5",
            "addi a0, a0, 8",
            "addi a1, a1, 8",
            "bne a0, a4, 2b",
            "j 3f",
            "4:",
            "li a2, 8",
            "3:",
            "add a1, a1, t0",
            "j 5b",
        )
    };
}
pub(crate) use memcmp;

/// strlen(a0: string) -> a0.
macro_rules! strlen {
    () => {
        code!(
            "li t2, 0x0101010101010101",
            "slli t3, t2, 7",
            // The word in which the string begins; bytes before it are no NUL. Shifts
            // count modulo 64.
            "andi a1, a0, -8",
            "ld t1, 0(a1)",
            "slli t0, a0, 3",
            "li t4, -1",
            "sll t4, t4, t0",
            "not t4, t4",
            "or t1, t1, t4",
            "j 3f",
            "2:",
            "addi a1, a1, 8",
            "ld t1, 0(a1)",
            "3:",
            "sub t4, t1, t2",
            "not t1, t1",
            "and t4, t4, t1",
            "and t4, t4, t3",
            "beqz t4, 2b",
            // The bits up to the lowest one, and of them those of the bytes before it,
            // each byte as 1: their sum is the product's highest byte.
            "addi t1, t4, -1",
            "xor t1, t1, t4",
            "srli t1, t1, 8",
            "and t1, t1, t2",
            "mul t1, t1, t2",
            "srli t1, t1, 56",
            "add a1, a1, t1",
            "sub a0, a1, a0",
            "ret",
        )
    };
}
pub(crate) use strlen;

/// memchr(a0: s, a1: value, a2: n) -> a0: where, or 0.
///
/// As strlen: in a word and what is looked for in all of a word, exclusive or leaves 0
/// where they are the same. What is found behind the end is not what was looked for.
macro_rules! memchr {
    () => {
        code!(
            "beqz a2, 5f",
            // The last byte, or that of memory: n may be more than there is.
            "addi a2, a2, -1",
            "add a2, a2, a0",
            "bgeu a2, a0, 2f",
            "li a2, -1",
            "2:",
            "li t2, 0x0101010101010101",
            "slli t3, t2, 7",
            "andi a1, a1, 255",
            "mul a1, a1, t2",
            // The word with the first byte; those before it are not looked for. Shifts
            // count modulo 64.
            "slli t0, a0, 3",
            "andi a0, a0, -8",
            "ld t1, 0(a0)",
            "xor t1, t1, a1",
            "li t4, -1",
            "sll t4, t4, t0",
            "not t4, t4",
            "or t1, t1, t4",
            "j 3f",
            "2:",
            "addi a0, a0, 8",
            "bltu a2, a0, 5f",
            "ld t1, 0(a0)",
            "xor t1, t1, a1",
            "3:",
            "sub t4, t1, t2",
            "not t1, t1",
            "and t4, t4, t1",
            "and t4, t4, t3",
            "beqz t4, 2b",
            // The bits up to the lowest one, and of them those of the bytes before it,
            // each byte as 1: their sum is the product's highest byte.
            "addi t1, t4, -1",
            "xor t1, t1, t4",
            "srli t1, t1, 8",
            "and t1, t1, t2",
            "mul t1, t1, t2",
            "srli t1, t1, 56",
            "add a0, a0, t1",
            "bltu a2, a0, 5f",
            "ret",
            "5:",
            "li a0, 0",
            "ret",
        )
    };
}
pub(crate) use memchr;
