//! The instructions of memmove, memset, memcmp, strlen and memchr.
//!
//! The psABI passes arguments in rdi, rsi and rdx, and lets a function change these, rax,
//! rcx, r8 to r11 and all vector registers (3.2.3); the direction flag is clear (3.2.1).
//! Whoever has changed the upper half of a vector register clears it before it returns
//! (`vzeroupper`): SSE instructions would be slow otherwise (Intel SDM, "Mixing AVX Code with
//! SSE Code").
//!
//! # Classes of sizes
//!
//! Where a size decides, few comparisons tell it from the others and no loop follows:
//! what two operations of one width cover together, from one width to two, is done by one
//! from either end, and the bytes in the middle are done twice.
//!
//! | bytes | what is done |
//! |---|---|
//! | below 16 | two operations of 8, 4 or 2 bytes |
//! | to 32 | two vectors of 16 bytes |
//! | more | vectors of the level's width: two, four, eight, half of them from either end |
//! | above eight | a loop of four vectors whose stores, or whose loads of memcmp's first operand, are aligned; what is left is done from the end |
//!
//! memmove loads all of a class before it stores any of it, and around the loop the first
//! vector and the last four: so overlap matters to the loop alone, which runs from the
//! front, or from the back where the destination begins inside of the source. That is
//! memcpy, too: the one comparison that it could save is in the loop's class only.
//!
//! There is no `rep movsb` and no `rep stosb`. They need some dozens of cycles to begin,
//! and for some misalignments copy a byte or two a cycle.
//!
//! # What is read beside
//!
//! memmove, memset and memcmp touch no byte but those that they are given. strlen and memchr
//! read vectors that may begin before the first byte and end behind the last, but only in
//! pages that hold some of the bytes: such that are aligned, four only if aligned to the size
//! of four, and strlen's first one, if it does not reach into the next page.
//!
//! # Levels
//!
//! The code is there for SSE2, which every x86_64 processor has, and for AVX2, which must
//! be asked for; [`SEEN`] tells which runs. `cpuid` is not executed at start, for under a
//! hypervisor it takes microseconds, as long as all of a small program: [`learn`] asks once
//! the SSE2 code has gone through [`ENOUGH`] bytes. A short program never comes so far, so
//! the SSE2 code of memcmp, strlen and memchr is small before it is fast.

use core::sync::atomic::AtomicI32;

/// What is known of the processor: less than 0, that it has AVX2; [`ENOUGH`], that it has
/// not. Less than that is how many bytes have been counted, and nothing is known.
///
/// Threads may lose each other's counts, and the answer: then one asks again.
pub(crate) static SEEN: AtomicI32 = AtomicI32::new(0);

/// The size of pages.
pub(crate) const PAGE: i32 = 4096;

/// After how many bytes the processor is asked.
pub(crate) const ENOUGH: i32 = 1 << 20;

/// Counts rdx bytes, and asks the processor when they are [`ENOUGH`]. It changes rcx, r8 and
/// the flags, and nothing else.
///
/// AVX2 may be used if the processor has it and the system saves the registers (Intel SDM,
/// "Detection of Intel AVX2").
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn learn() {
    core::arch::naked_asm!(
        "mov ecx, dword ptr [rip + {seen}]",
        "cmp ecx, {enough}",
        "jae .Llearn_known",
        "add rcx, rdx",
        "cmp rcx, {enough}",
        "jae .Llearn_ask",
        "mov dword ptr [rip + {seen}], ecx",
        ".Llearn_known:",
        "ret",
        ".Llearn_ask:",
        "push rax",
        "push rbx",
        "push rdx",
        "mov r8d, {enough}",
        // The leaf that tells of AVX2 is there,
        "xor eax, eax",
        "cpuid",
        "cmp eax, 7",
        "jb .Llearn_tell",
        // there are AVX and xgetbv (ecx, bits 28 and 27),
        "mov eax, 1",
        "cpuid",
        "not ecx",
        "test ecx, 1 << 27 | 1 << 28",
        "jnz .Llearn_tell",
        // the system saves both halves of the vector registers (XCR0, bits 1 and 2),
        "xor ecx, ecx",
        "xgetbv",
        "not eax",
        "test al, 6",
        "jnz .Llearn_tell",
        // and there is AVX2 (ebx, bit 5).
        "mov eax, 7",
        "xor ecx, ecx",
        "cpuid",
        "test ebx, 1 << 5",
        "jz .Llearn_tell",
        "or r8d, -1",
        ".Llearn_tell:",
        "mov dword ptr [rip + {seen}], r8d",
        "pop rdx",
        "pop rbx",
        "pop rax",
        "ret",
        seen = sym SEEN,
        enough = const ENOUGH,
    )
}

/// Lines of assembly.
macro_rules! lines {
    ($($line:expr),* $(,)?) => { concat!($($line, "\n"),*) };
}
pub(crate) use lines;

/// The level's registers have so many bytes: from here on they are `.LW`.
macro_rules! width {
    (sse2) => {
        ".set .LW, 16"
    };
    (avx2) => {
        ".set .LW, 32"
    };
}
pub(crate) use width;

/// Register `$n` from memory.
macro_rules! load {
    (sse2 $n:literal $from:literal) => {
        concat!("movups xmm", $n, ", ", $from)
    };
    (avx2 $n:literal $from:literal) => {
        concat!("vmovdqu ymm", $n, ", ", $from)
    };
}
pub(crate) use load;

/// Memory from register `$n`.
macro_rules! store {
    (sse2 $to:literal $n:literal) => {
        concat!("movups ", $to, ", xmm", $n)
    };
    (avx2 $to:literal $n:literal) => {
        concat!("vmovdqu ", $to, ", ymm", $n)
    };
}
pub(crate) use store;

/// Memory at a multiple of the width from register `$n`.
macro_rules! store_aligned {
    (sse2 $to:literal $n:literal) => {
        concat!("movaps ", $to, ", xmm", $n)
    };
    (avx2 $to:literal $n:literal) => {
        concat!("vmovdqa ", $to, ", ymm", $n)
    };
}
pub(crate) use store_aligned;

/// Back to the caller.
macro_rules! leave {
    (sse2) => {
        "ret"
    };
    (avx2) => {
        "vzeroupper\n ret"
    };
}
pub(crate) use leave;

/// Counts the bytes in rdx.
macro_rules! count {
    (sse2) => {
        "call {learn}"
    };
    (avx2) => {
        ""
    };
}
pub(crate) use count;

/// memmove of more than two widths: rdi, rsi, rdx as given, rax is the destination.
macro_rules! move_wide {
    ($l:tt) => { lines!(
        "cmp rdx, 4*.LW",
        "ja 2f",
        load!($l 0 "[rsi]"),
        load!($l 1 "[rsi + .LW]"),
        load!($l 2 "[rsi + rdx - 2*.LW]"),
        load!($l 3 "[rsi + rdx - .LW]"),
        store!($l "[rdi]" 0),
        store!($l "[rdi + .LW]" 1),
        store!($l "[rdi + rdx - 2*.LW]" 2),
        store!($l "[rdi + rdx - .LW]" 3),
        leave!($l),
        "2:",
        "cmp rdx, 8*.LW",
        "ja 3f",
        load!($l 0 "[rsi]"),
        load!($l 1 "[rsi + .LW]"),
        load!($l 2 "[rsi + 2*.LW]"),
        load!($l 3 "[rsi + 3*.LW]"),
        load!($l 4 "[rsi + rdx - 4*.LW]"),
        load!($l 5 "[rsi + rdx - 3*.LW]"),
        load!($l 6 "[rsi + rdx - 2*.LW]"),
        load!($l 7 "[rsi + rdx - .LW]"),
        store!($l "[rdi]" 0),
        store!($l "[rdi + .LW]" 1),
        store!($l "[rdi + 2*.LW]" 2),
        store!($l "[rdi + 3*.LW]" 3),
        store!($l "[rdi + rdx - 4*.LW]" 4),
        store!($l "[rdi + rdx - 3*.LW]" 5),
        store!($l "[rdi + rdx - 2*.LW]" 6),
        store!($l "[rdi + rdx - .LW]" 7),
        leave!($l),

        // Does the destination begin inside of the source?
        "3:",
        count!($l),
        "mov rcx, rdi",
        "sub rcx, rsi",
        "cmp rcx, rdx",
        "jb 5f",

        // No: from the front. rdi goes on to rdx, where the last four begin, and rsi becomes
        // the distance from there to the source.

        load!($l 4 "[rsi + rdx - 4*.LW]"),
        load!($l 5 "[rsi + rdx - 3*.LW]"),
        load!($l 6 "[rsi + rdx - 2*.LW]"),
        load!($l 7 "[rsi + rdx - .LW]"),
        load!($l 8 "[rsi]"),
        "lea rdx, [rdi + rdx - 4*.LW]",
        "sub rsi, rdi",
        "or rdi, .LW - 1",
        "inc rdi",
        ".p2align 5",
        "4:",
        load!($l 0 "[rdi + rsi]"),
        load!($l 1 "[rdi + rsi + .LW]"),
        load!($l 2 "[rdi + rsi + 2*.LW]"),
        load!($l 3 "[rdi + rsi + 3*.LW]"),
        store_aligned!($l "[rdi]" 0),
        store_aligned!($l "[rdi + .LW]" 1),
        store_aligned!($l "[rdi + 2*.LW]" 2),
        store_aligned!($l "[rdi + 3*.LW]" 3),
        "add rdi, 4*.LW",
        "cmp rdi, rdx",
        "jb 4b",
        store!($l "[rdx]" 4),
        store!($l "[rdx + .LW]" 5),
        store!($l "[rdx + 2*.LW]" 6),
        store!($l "[rdx + 3*.LW]" 7),
        store!($l "[rax]" 8),
        leave!($l),

        // Yes: from the back. rdi goes down to rcx, where the first four end, and rdx becomes
        // where the last one begins.
        "5:",
        load!($l 4 "[rsi]"),
        load!($l 5 "[rsi + .LW]"),
        load!($l 6 "[rsi + 2*.LW]"),
        load!($l 7 "[rsi + 3*.LW]"),
        load!($l 8 "[rsi + rdx - .LW]"),
        "sub rsi, rdi",
        "lea rcx, [rdi + 4*.LW]",
        "lea rdx, [rdi + rdx - .LW]",
        "lea rdi, [rdx + .LW - 1]",
        "and rdi, -.LW",
        ".p2align 5",
        "6:",
        load!($l 0 "[rdi + rsi - .LW]"),
        load!($l 1 "[rdi + rsi - 2*.LW]"),
        load!($l 2 "[rdi + rsi - 3*.LW]"),
        load!($l 3 "[rdi + rsi - 4*.LW]"),
        store_aligned!($l "[rdi - .LW]" 0),
        store_aligned!($l "[rdi - 2*.LW]" 1),
        store_aligned!($l "[rdi - 3*.LW]" 2),
        store_aligned!($l "[rdi - 4*.LW]" 3),
        "sub rdi, 4*.LW",
        "cmp rdi, rcx",
        "ja 6b",
        store!($l "[rdx]" 8),
        store!($l "[rax]" 4),
        store!($l "[rax + .LW]" 5),
        store!($l "[rax + 2*.LW]" 6),
        store!($l "[rax + 3*.LW]" 7),
        leave!($l),
    ) };
}
pub(crate) use move_wide;

/// memmove of one or two widths.
macro_rules! move_two {
    ($l:tt) => { lines!(
        load!($l 0 "[rsi]"),
        load!($l 1 "[rsi + rdx - .LW]"),
        store!($l "[rdi]" 0),
        store!($l "[rdi + rdx - .LW]" 1),
        leave!($l),
    ) };
}
pub(crate) use move_two;

/// memmove(rdi: dest, rsi: src, rdx: n) -> rax: dest, which is memcpy as well.
macro_rules! memmove {
    () => {
        core::arch::naked_asm!(
            "mov rax, rdi",
            width!(sse2),
            "cmp rdx, .LW",
            "jb .Lmemmove_below_16",
            "cmp rdx, 2*.LW",
            "ja .Lmemmove_above_32",
            move_two!(sse2),

            ".Lmemmove_below_16:",
            "cmp edx, 8",
            "jae .Lmemmove_8_to_15",
            "cmp edx, 4",
            "jae .Lmemmove_4_to_7",
            "cmp edx, 1",
            "jb .Lmemmove_done",
            "movzx ecx, byte ptr [rsi]",
            "je .Lmemmove_1",
            "movzx esi, word ptr [rsi + rdx - 2]",
            "mov [rdi + rdx - 2], si",
            ".Lmemmove_1:",
            "mov [rdi], cl",
            ".Lmemmove_done:",
            "ret",
            ".Lmemmove_4_to_7:",
            "mov ecx, [rsi]",
            "mov esi, [rsi + rdx - 4]",
            "mov [rdi], ecx",
            "mov [rdi + rdx - 4], esi",
            "ret",
            ".Lmemmove_8_to_15:",
            "mov rcx, [rsi]",
            "mov rsi, [rsi + rdx - 8]",
            "mov [rdi], rcx",
            "mov [rdi + rdx - 8], rsi",
            "ret",

            ".Lmemmove_above_32:",
            "cmp dword ptr [rip + {seen}], 0",
            "jge .Lmemmove_sse2",
            width!(avx2),
            "cmp rdx, 2*.LW",
            "ja .Lmemmove_above_64",
            move_two!(avx2),
            ".Lmemmove_above_64:",
            move_wide!(avx2),

            ".Lmemmove_sse2:",
            width!(sse2),
            move_wide!(sse2),
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use memmove;

/// Register 0 has its lowest byte everywhere.
macro_rules! repeat {
    (sse2) => {
        "punpcklbw xmm0, xmm0\n pshuflw xmm0, xmm0, 0\n punpcklqdq xmm0, xmm0"
    };
    (avx2) => {
        "vpbroadcastb ymm0, xmm0"
    };
}
pub(crate) use repeat;

/// memset of one or two widths.
macro_rules! fill_two {
    ($l:tt) => { lines!(
        store!($l "[rdi]" 0),
        store!($l "[rdi + rdx - .LW]" 0),
        leave!($l),
    ) };
}
pub(crate) use fill_two;

/// memset of more than two widths.
macro_rules! fill_wide {
    ($l:tt) => { lines!(
        "cmp rdx, 4*.LW",
        "ja 2f",
        store!($l "[rdi]" 0),
        store!($l "[rdi + .LW]" 0),
        store!($l "[rdi + rdx - 2*.LW]" 0),
        store!($l "[rdi + rdx - .LW]" 0),
        leave!($l),
        "2:",
        store!($l "[rdi]" 0),
        store!($l "[rdi + rdx - 4*.LW]" 0),
        store!($l "[rdi + rdx - 3*.LW]" 0),
        store!($l "[rdi + rdx - 2*.LW]" 0),
        store!($l "[rdi + rdx - .LW]" 0),
        "cmp rdx, 8*.LW",
        "ja 3f",
        store!($l "[rdi + .LW]" 0),
        store!($l "[rdi + 2*.LW]" 0),
        store!($l "[rdi + 3*.LW]" 0),
        leave!($l),

        "3:",
        count!($l),
        "lea rdx, [rdi + rdx - 4*.LW]",
        "or rdi, .LW - 1",
        "inc rdi",
        ".p2align 5",
        "4:",
        store_aligned!($l "[rdi]" 0),
        store_aligned!($l "[rdi + .LW]" 0),
        store_aligned!($l "[rdi + 2*.LW]" 0),
        store_aligned!($l "[rdi + 3*.LW]" 0),
        "add rdi, 4*.LW",
        "cmp rdi, rdx",
        "jb 4b",
        leave!($l),
    ) };
}
pub(crate) use fill_wide;

/// memset(rdi: dest, esi: value, rdx: n) -> rax: dest.
macro_rules! memset {
    () => {
        core::arch::naked_asm!(
            "mov rax, rdi",
            "movd xmm0, esi",
            width!(sse2),
            "cmp rdx, 2*.LW",
            "ja .Lmemset_above_32",
            repeat!(sse2),
            "cmp edx, .LW",
            "jb .Lmemset_below_16",
            fill_two!(sse2),

            ".Lmemset_below_16:",
            "cmp edx, 8",
            "jae .Lmemset_8_to_15",
            "cmp edx, 4",
            "jae .Lmemset_4_to_7",
            "test edx, edx",
            "jz .Lmemset_done",
            "mov [rdi], sil",
            "mov [rdi + rdx - 1], sil",
            "shr edx",
            "mov [rdi + rdx], sil",
            ".Lmemset_done:",
            "ret",
            ".Lmemset_4_to_7:",
            "movd [rdi], xmm0",
            "movd [rdi + rdx - 4], xmm0",
            "ret",
            ".Lmemset_8_to_15:",
            "movq [rdi], xmm0",
            "movq [rdi + rdx - 8], xmm0",
            "ret",

            ".Lmemset_above_32:",
            "cmp dword ptr [rip + {seen}], 0",
            "jge .Lmemset_sse2",
            width!(avx2),
            repeat!(avx2),
            "cmp rdx, 2*.LW",
            "ja .Lmemset_above_64",
            fill_two!(avx2),
            ".Lmemset_above_64:",
            fill_wide!(avx2),

            ".Lmemset_sse2:",
            width!(sse2),
            repeat!(sse2),
            fill_wide!(sse2),
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use memset;

/// Register `$n` has ones in the bytes that are equal.
macro_rules! equal {
    (sse2 $n:literal $a:literal $b:literal) => {
        concat!(
            "movups xmm",
            $n,
            ", ",
            $a,
            "\n movups xmm4, ",
            $b,
            "\n pcmpeqb xmm",
            $n,
            ", xmm4"
        )
    };
    (avx2 $n:literal $a:literal $b:literal) => {
        concat!(
            "vmovdqu ymm",
            $n,
            ", ",
            $a,
            "\n vpcmpeqb ymm",
            $n,
            ", ymm",
            $n,
            ", ",
            $b
        )
    };
}
pub(crate) use equal;

/// Register `$n` and `$m` into `$to`.
macro_rules! and {
    (sse2 $to:literal $n:literal $m:literal) => {
        concat!(
            "movdqa xmm",
            $to,
            ", xmm",
            $n,
            "\n pand xmm",
            $to,
            ", xmm",
            $m
        )
    };
    (avx2 $to:literal $n:literal $m:literal) => {
        concat!("vpand ymm", $to, ", ymm", $n, ", ymm", $m)
    };
}
pub(crate) use and;

/// Jumps unless register `$n` is ones everywhere. Changes eax.
macro_rules! unless_ones {
    (sse2 $n:literal $jump:literal) => {
        concat!("pmovmskb eax, xmm", $n, "\n xor eax, 0xffff\n jnz ", $jump)
    };
    (avx2 $n:literal $jump:literal) => {
        concat!("vpmovmskb eax, ymm", $n, "\n inc eax\n jnz ", $jump)
    };
}
pub(crate) use unless_ones;

/// Jumps unless the vectors at `$a` and `$b` are equal, with a bit in eax where they are
/// not: the lowest is right.
macro_rules! unless_equal {
    ($l:tt $a:literal $b:literal $jump:literal) => { lines!(
        equal!($l 0 $a $b),
        unless_ones!($l 0 $jump),
    ) };
}
pub(crate) use unless_equal;

/// From a bit in eax and an offset in r8 to what memcmp returns.
macro_rules! leave_different {
    ($l:tt) => {
        lines!(
            "tzcnt eax, eax",
            "add r8, rax",
            "movzx eax, byte ptr [rdi + r8]",
            "movzx ecx, byte ptr [rsi + r8]",
            "sub eax, ecx",
            leave!($l),
        )
    };
}
pub(crate) use leave_different;

/// Back to the caller, with 0.
macro_rules! leave_equal {
    ($l:tt) => {
        concat!("xor eax, eax\n", leave!($l))
    };
}
pub(crate) use leave_equal;

/// Register 4 has ones where the four vectors from r8 on are equal, as 0 to 3 one by one.
macro_rules! four_equal {
    () => { lines!(
        equal!(avx2 0 "[rdi + r8]" "[rsi + r8]"),
        equal!(avx2 1 "[rdi + r8 + .LW]" "[rsi + r8 + .LW]"),
        equal!(avx2 2 "[rdi + r8 + 2*.LW]" "[rsi + r8 + 2*.LW]"),
        equal!(avx2 3 "[rdi + r8 + 3*.LW]" "[rsi + r8 + 3*.LW]"),
        and!(avx2 4 0 1),
        and!(avx2 5 2 3),
        and!(avx2 4 4 5),
    ) };
}
pub(crate) use four_equal;

/// memcmp(rdi: a, rsi: b, rdx: n) -> eax, which is bcmp as well.
macro_rules! memcmp {
    () => {
        core::arch::naked_asm!(
            width!(sse2),
            "cmp rdx, .LW",
            "jae .Lmemcmp_from_16",
            "cmp edx, 8",
            "jb .Lmemcmp_below_8",
            "mov rax, [rdi]",
            "mov rcx, [rsi]",
            "cmp rax, rcx",
            "jne .Lmemcmp_differ",
            "mov rax, [rdi + rdx - 8]",
            "mov rcx, [rsi + rdx - 8]",
            "cmp rax, rcx",
            "jne .Lmemcmp_differ",
            "xor eax, eax",
            "ret",

            ".Lmemcmp_below_8:",
            "cmp edx, 4",
            "jae .Lmemcmp_4_to_7",
            "cmp edx, 1",
            "jbe .Lmemcmp_to_1",
            "movzx eax, word ptr [rdi]",
            "movzx ecx, word ptr [rsi]",
            "cmp eax, ecx",
            "jne .Lmemcmp_differ",
            "movzx eax, word ptr [rdi + rdx - 2]",
            "movzx ecx, word ptr [rsi + rdx - 2]",
            "cmp eax, ecx",
            "jne .Lmemcmp_differ",
            "xor eax, eax",
            "ret",
            ".Lmemcmp_to_1:",
            "jb .Lmemcmp_0",
            "movzx eax, byte ptr [rdi]",
            "movzx ecx, byte ptr [rsi]",
            "sub eax, ecx",
            "ret",
            ".Lmemcmp_0:",
            "xor eax, eax",
            "ret",
            ".Lmemcmp_4_to_7:",
            "mov eax, [rdi]",
            "mov ecx, [rsi]",
            "cmp eax, ecx",
            "jne .Lmemcmp_differ",
            "mov eax, [rdi + rdx - 4]",
            "mov ecx, [rsi + rdx - 4]",
            "cmp eax, ecx",
            "jne .Lmemcmp_differ",
            "xor eax, eax",
            "ret",
            ".Lmemcmp_differ:",
            "bswap rax",
            "bswap rcx",
            "cmp rax, rcx",
            "sbb eax, eax",
            "or eax, 1",
            "ret",

            ".Lmemcmp_from_16:",
            "cmp rdx, 2*.LW",
            "ja .Lmemcmp_above_32",
            unless_equal!(sse2 "[rdi]" "[rsi]" ".Lmemcmp_first"),
            unless_equal!(sse2 "[rdi + rdx - .LW]" "[rsi + rdx - .LW]" ".Lmemcmp_last"),
            leave_equal!(sse2),
            ".Lmemcmp_last:",
            "lea r8, [rdx - .LW]",
            "jmp .Lmemcmp_differs",
            ".Lmemcmp_first:",
            "xor r8d, r8d",
            ".Lmemcmp_differs:",
            leave_different!(sse2),

            ".Lmemcmp_above_32:",
            "cmp dword ptr [rip + {seen}], 0",
            "jge .Lmemcmp_sse2",
            width!(avx2),
            // The first two by themselves: what differs, mostly differs early.
            "xor r8d, r8d",
            unless_equal!(avx2 "[rdi]" "[rsi]" ".Lmemcmp_differs_avx2"),
            "cmp rdx, 2*.LW",
            "ja .Lmemcmp_above_64",
            "lea r8, [rdx - .LW]",
            unless_equal!(avx2 "[rdi + r8]" "[rsi + r8]" ".Lmemcmp_differs_avx2"),
            leave_equal!(avx2),

            ".Lmemcmp_above_64:",
            "mov r8d, .LW",
            unless_equal!(avx2 "[rdi + .LW]" "[rsi + .LW]" ".Lmemcmp_differs_avx2"),
            "sub rdx, 4*.LW",
            "ja .Lmemcmp_above_128",
            "lea r8, [rdx + 2*.LW]",
            equal!(avx2 2 "[rdi + r8]" "[rsi + r8]"),
            equal!(avx2 3 "[rdi + r8 + .LW]" "[rsi + r8 + .LW]"),
            and!(avx2 4 2 3),
            unless_ones!(avx2 4 "5f"),
            leave_equal!(avx2),

            // Two more, then four at a time, from a multiple of the width on, and the last four.
            ".Lmemcmp_above_128:",
            "mov r8d, 2*.LW",
            equal!(avx2 2 "[rdi + r8]" "[rsi + r8]"),
            equal!(avx2 3 "[rdi + r8 + .LW]" "[rsi + r8 + .LW]"),
            and!(avx2 4 2 3),
            unless_ones!(avx2 4 "5f"),
            "mov r8d, edi",
            "or r8d, -.LW",
            "neg r8d",
            "add r8d, 3*.LW",
            "cmp r8, rdx",
            "jae 3f",
            ".p2align 4",
            "2:",
            four_equal!(),
            unless_ones!(avx2 4 "4f"),
            "add r8, 4*.LW",
            "cmp r8, rdx",
            "jb 2b",
            "3:",
            "mov r8, rdx",
            four_equal!(),
            unless_ones!(avx2 4 "4f"),
            leave_equal!(avx2),

            "4:",
            unless_ones!(avx2 0 ".Lmemcmp_differs_avx2"),
            "add r8, .LW",
            unless_ones!(avx2 1 ".Lmemcmp_differs_avx2"),
            "add r8, .LW",
            "5:",
            unless_ones!(avx2 2 ".Lmemcmp_differs_avx2"),
            "add r8, .LW",
            unless_ones!(avx2 3 ".Lmemcmp_differs_avx2"),
            ".Lmemcmp_differs_avx2:",
            leave_different!(avx2),

            ".Lmemcmp_sse2:",
            width!(sse2),
            count!(sse2),
            "xor r8d, r8d",
            "sub rdx, .LW",
            "2:",
            unless_equal!(sse2 "[rdi + r8]" "[rsi + r8]" ".Lmemcmp_differs"),
            "add r8, .LW",
            "cmp r8, rdx",
            "jb 2b",
            "mov r8, rdx",
            unless_equal!(sse2 "[rdi + r8]" "[rsi + r8]" ".Lmemcmp_differs"),
            leave_equal!(sse2),
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use memcmp;

/// Goes to the next vector, and jumps with its bits in ecx if there is a NUL.
macro_rules! next_has_nul {
    ($jump:literal) => {
        lines!(
            "add rdi, .LW",
            "vpcmpeqb ymm1, ymm0, [rdi]",
            "vpmovmskb ecx, ymm1",
            "test ecx, ecx",
            concat!("jnz ", $jump),
        )
    };
}
pub(crate) use next_has_nul;

/// strlen(rdi: string) -> rax.
macro_rules! strlen {
    () => {
        core::arch::naked_asm!(
            "mov eax, edi",
            "cmp dword ptr [rip + {seen}], 0",
            "jge .Lstrlen_sse2",
            width!(avx2),
            "vpxor xmm0, xmm0, xmm0",
            "and eax, {page} - 1",
            "cmp eax, {page} - .LW",
            "ja 3f",
            "vpcmpeqb ymm1, ymm0, [rdi]",
            "vpmovmskb eax, ymm1",
            "test eax, eax",
            "jz 4f",
            "2:",
            "tzcnt eax, eax",
            "vzeroupper",
            "ret",
            // The vector would reach into the next page: the aligned one that holds the
            // first byte does not. What is before that does not count.
            "3:",
            "mov ecx, edi",
            "mov rdx, rdi",
            "and rdx, -.LW",
            "vpcmpeqb ymm1, ymm0, [rdx]",
            "vpmovmskb eax, ymm1",
            "shr eax, cl",
            "test eax, eax",
            "jnz 2b",

            // Four aligned ones, one by one,
            "4:",
            "mov rax, rdi",
            "and rdi, -.LW",
            next_has_nul!("6f"),
            next_has_nul!("6f"),
            next_has_nul!("6f"),
            next_has_nul!("6f"),
            // then four together, from a multiple of four on.
            "add rdi, .LW",
            "and rdi, -4*.LW",
            ".p2align 6",
            "5:",
            "vmovdqa ymm1, [rdi]",
            "vpminub ymm2, ymm1, [rdi + .LW]",
            "vmovdqa ymm3, [rdi + 2*.LW]",
            "vpminub ymm4, ymm3, [rdi + 3*.LW]",
            "vpminub ymm5, ymm2, ymm4",
            "vpcmpeqb ymm5, ymm0, ymm5",
            "vpmovmskb edx, ymm5",
            "sub rdi, -4*.LW",
            "test edx, edx",
            "jz 5b",
            // The first of the four by itself, then the second, as a minimum that is 0
            // where the first is not, and so on: if it is none of them, it is the fourth.
            "add rdi, -4*.LW",
            "vpcmpeqb ymm1, ymm0, ymm1",
            "vpmovmskb ecx, ymm1",
            "test ecx, ecx",
            "jnz 6f",
            "add rdi, .LW",
            "vpcmpeqb ymm2, ymm0, ymm2",
            "vpmovmskb ecx, ymm2",
            "test ecx, ecx",
            "jnz 6f",
            "add rdi, .LW",
            "vpcmpeqb ymm3, ymm0, ymm3",
            "vpmovmskb ecx, ymm3",
            "test ecx, ecx",
            "jnz 6f",
            "add rdi, .LW",
            "mov ecx, edx",
            "6:",
            "tzcnt ecx, ecx",
            "sub rdi, rax",
            "lea rax, [rdi + rcx]",
            "vzeroupper",
            "ret",

            ".Lstrlen_sse2:",
            width!(sse2),
            "mov rax, rdi",
            "mov ecx, edi",
            "and rdi, -.LW",
            "and ecx, .LW - 1",
            "pxor xmm0, xmm0",
            "pcmpeqb xmm0, [rdi]",
            "pmovmskb edx, xmm0",
            "shr edx, cl",
            "test edx, edx",
            "jnz .Lstrlen_first",
            "pxor xmm0, xmm0",
            // As long as there is no NUL the register stays as it is.
            "2:",
            "add rdi, .LW",
            "pcmpeqb xmm0, [rdi]",
            "pmovmskb edx, xmm0",
            "test edx, edx",
            "jz 2b",
            "tzcnt edx, edx",
            "add rdx, rdi",
            "sub rdx, rax",
            "mov rax, rdx",
            "jmp {learn}",
            ".Lstrlen_first:",
            "tzcnt eax, edx",
            "ret",
            seen = sym SEEN,
            learn = sym learn,
            page = const PAGE,
        )
    };
}
pub(crate) use strlen;

/// memchr(rdi: s, esi: value, rdx: n) -> rax: where, or 0.
macro_rules! memchr {
    () => {
        core::arch::naked_asm!(
            "test rdx, rdx",
            "jz .Lmemchr_nowhere",
            "movd xmm0, esi",
            "mov ecx, edi",
            // The last byte, or that of memory: n may be more than there is.
            "lea rsi, [rdx - 1]",
            "add rsi, rdi",
            "sbb r8, r8",
            "or rsi, r8",
            "cmp dword ptr [rip + {seen}], 0",
            "jge .Lmemchr_sse2",
            width!(avx2),
            repeat!(avx2),
            "mov rax, rdi",
            "and rdi, -.LW",
            "vpcmpeqb ymm1, ymm0, [rdi]",
            "vpmovmskb edx, ymm1",
            "shr edx, cl",
            "test edx, edx",
            "jz 3f",
            "tzcnt edx, edx",
            "2:",
            "add rax, rdx",
            "cmp rax, rsi",
            "ja 4f",
            "vzeroupper",
            "ret",

            // One at a time, up to a multiple of four.
            "3:",
            "add rdi, .LW",
            "cmp rdi, rsi",
            "ja 4f",
            "test dil, 3*.LW",
            "jz 6f",
            "vpcmpeqb ymm1, ymm0, [rdi]",
            "vpmovmskb edx, ymm1",
            "test edx, edx",
            "jz 3b",
            "5:",
            "tzcnt edx, edx",
            "mov rax, rdi",
            "jmp 2b",
            "4:",
            "xor eax, eax",
            "vzeroupper",
            "ret",

            ".p2align 5",
            "6:",
            "vpcmpeqb ymm1, ymm0, [rdi]",
            "vpcmpeqb ymm2, ymm0, [rdi + .LW]",
            "vpcmpeqb ymm3, ymm0, [rdi + 2*.LW]",
            "vpcmpeqb ymm4, ymm0, [rdi + 3*.LW]",
            "vpor ymm5, ymm1, ymm2",
            "vpor ymm6, ymm3, ymm4",
            "vpor ymm5, ymm5, ymm6",
            "vpmovmskb edx, ymm5",
            "test edx, edx",
            "jnz 7f",
            "sub rdi, -4*.LW",
            "cmp rdi, rsi",
            "jbe 6b",
            "jmp 4b",
            "7:",
            "vpmovmskb edx, ymm1",
            "test edx, edx",
            "jnz 5b",
            "add rdi, .LW",
            "vpmovmskb edx, ymm2",
            "test edx, edx",
            "jnz 5b",
            "add rdi, .LW",
            "vpmovmskb edx, ymm3",
            "test edx, edx",
            "jnz 5b",
            "add rdi, .LW",
            "vpmovmskb edx, ymm4",
            "jmp 5b",

            ".Lmemchr_sse2:",
            width!(sse2),
            repeat!(sse2),
            "and ecx, .LW - 1",
            "sub rdi, rcx",
            "movdqa xmm1, [rdi]",
            "pcmpeqb xmm1, xmm0",
            "pmovmskb eax, xmm1",
            // What is before the first byte does not count.
            "shr eax, cl",
            "shl eax, cl",
            "jmp 3f",
            "2:",
            "add rdi, .LW",
            "movdqa xmm1, [rdi]",
            "pcmpeqb xmm1, xmm0",
            "pmovmskb eax, xmm1",
            "3:",
            "test eax, eax",
            "jnz 4f",
            "lea rcx, [rdi + .LW]",
            "cmp rcx, rsi",
            "jbe 2b",
            "call {learn}",
            ".Lmemchr_nowhere:",
            "xor eax, eax",
            "ret",
            "4:",
            "tzcnt eax, eax",
            "add rax, rdi",
            "cmp rax, rsi",
            "ja .Lmemchr_nowhere",
            "ret",
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use memchr;
