//! The instructions of memmove, memset, memcmp, strlen and memchr.

use core::sync::atomic::AtomicI32;

/// What is known of the processor: 0 to [`ENOUGH`] is how many bytes have been gone through
/// in many at a time without its being asked, [`ENOUGH`] is that it has no AVX2, and less
/// than 0 that it has.
pub(crate) static SEEN: AtomicI32 = AtomicI32::new(0);

/// After how many bytes the processor is asked.
pub(crate) const ENOUGH: i32 = 1 << 20;

/// Counts rdx bytes, and asks the processor when they are [`ENOUGH`]. Changes rcx, r8 and
/// the flags, and nothing else.
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
        // The leaf that tells of AVX2 is there
        "xor eax, eax",
        "cpuid",
        "cmp eax, 7",
        "jb .Llearn_tell",
        // the system saves vector registers, and there is AVX
        "mov eax, 1",
        "cpuid",
        "not ecx",
        "test ecx, 1 << 27 | 1 << 28",
        "jnz .Llearn_tell",
        // all of them
        "xor ecx, ecx",
        "xgetbv",
        "not eax",
        "test al, 6",
        "jnz .Llearn_tell",
        // and there is AVX2
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
    (sse2) => { ".set .LW, 16" };
    (avx2) => { ".set .LW, 32" };
}
pub(crate) use width;

/// Register `$n` from memory.
macro_rules! load {
    (sse2 $n:literal $from:literal) => { concat!("movups xmm", $n, ", ", $from) };
    (avx2 $n:literal $from:literal) => { concat!("vmovdqu ymm", $n, ", ", $from) };
}
pub(crate) use load;

/// Memory from register `$n`.
macro_rules! store {
    (sse2 $to:literal $n:literal) => { concat!("movups ", $to, ", xmm", $n) };
    (avx2 $to:literal $n:literal) => { concat!("vmovdqu ", $to, ", ymm", $n) };
}
pub(crate) use store;

/// Memory at a multiple of the width from register `$n`.
macro_rules! store_aligned {
    (sse2 $to:literal $n:literal) => { concat!("movaps ", $to, ", xmm", $n) };
    (avx2 $to:literal $n:literal) => { concat!("vmovdqa ", $to, ", ymm", $n) };
}
pub(crate) use store_aligned;

/// Back to the caller.
macro_rules! leave {
    (sse2) => { "ret" };
    (avx2) => { "vzeroupper\n ret" };
}
pub(crate) use leave;

/// Counts the bytes in rdx.
macro_rules! count {
    (sse2) => { "call {learn}" };
    (avx2) => { "" };
}
pub(crate) use count;

/// memmove from more than two widths on.
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

        "3:",
        count!($l),
        "mov rcx, rdi",
        "sub rcx, rsi",
        "cmp rcx, rdx",
        "jb 5f",

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
            "jl .Lmemmove_avx2",
            move_wide!(sse2),
            ".Lmemmove_avx2:",
            width!(avx2),
            "cmp rdx, 2*.LW",
            "ja .Lmemmove_above_64",
            move_two!(avx2),
            ".Lmemmove_above_64:",
            move_wide!(avx2),
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use memmove;

macro_rules! fill_two {
    ($l:tt) => { lines!(
        store!($l "[rdi]" 0),
        store!($l "[rdi + rdx - .LW]" 0),
        leave!($l),
    ) };
}
pub(crate) use fill_two;

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
            "punpcklbw xmm0, xmm0",
            "pshuflw xmm0, xmm0, 0",
            "cmp rdx, 16",
            "jb .Lmemset_below_16",
            width!(sse2),
            "punpcklqdq xmm0, xmm0",
            "cmp rdx, 2*.LW",
            "ja .Lmemset_above_32",
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
            "jl .Lmemset_avx2",
            fill_wide!(sse2),
            ".Lmemset_avx2:",
            width!(avx2),
            "vpbroadcastb ymm0, xmm0",
            "cmp rdx, 2*.LW",
            "ja .Lmemset_above_64",
            fill_two!(avx2),
            ".Lmemset_above_64:",
            fill_wide!(avx2),
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use memset;

/// Register `$n` has ones in the bytes that are equal.
macro_rules! equal {
    (sse2 $n:literal $a:literal $b:literal) => {
        concat!("movups xmm", $n, ", ", $a, "\n movups xmm4, ", $b, "\n pcmpeqb xmm", $n, ", xmm4")
    };
    (avx2 $n:literal $a:literal $b:literal) => {
        concat!("vmovdqu ymm", $n, ", ", $a, "\n vpcmpeqb ymm", $n, ", ymm", $n, ", ", $b)
    };
}
pub(crate) use equal;

/// Register `$n` and `$m` into `$to`.
macro_rules! and {
    (sse2 $to:literal $n:literal $m:literal) => {
        concat!("movdqa xmm", $to, ", xmm", $n, "\n pand xmm", $to, ", xmm", $m)
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

/// rax: for each byte of register `$n` and then of `$m`, whether it is not ones; ZF. Changes rcx.
macro_rules! differences {
    (sse2 $n:literal $m:literal) => { concat!(
        "pmovmskb eax, xmm", $n, "\n pmovmskb ecx, xmm", $m, "\n shl ecx, 16\n or eax, ecx\n xor eax, -1") };
    (avx2 $n:literal $m:literal) => { concat!(
        "vpmovmskb eax, ymm", $n, "\n vpmovmskb ecx, ymm", $m, "\n shl rcx, 32\n or rax, rcx\n xor rax, -1") };
}
pub(crate) use differences;

macro_rules! leave_equal {
    ($l:tt) => { concat!("xor eax, eax\n", leave!($l)) };
}
pub(crate) use leave_equal;

macro_rules! compare_two {
    ($l:tt) => { lines!(
        equal!($l 0 "[rdi]" "[rsi]"),
        equal!($l 1 "[rdi + rdx - .LW]" "[rsi + rdx - .LW]"),
        and!($l 2 0 1),
        unless_ones!($l 2 "2f"),
        leave_equal!($l),
        "2:",
        differences!($l 0 1),
        "tzcnt rax, rax",
        // The second vector's bytes are farther behind.
        "lea rdx, [rdx + rax - 2*.LW]",
        "cmp eax, .LW",
        "cmovae rax, rdx",
        "movzx ecx, byte ptr [rsi + rax]",
        "movzx eax, byte ptr [rdi + rax]",
        "sub eax, ecx",
        leave!($l),
    ) };
}
pub(crate) use compare_two;

macro_rules! compare_wide {
    ($l:tt) => { lines!(
        "cmp rdx, 4*.LW",
        "ja 3f",
        "xor r8d, r8d",
        "lea r9, [rdx - 2*.LW]",
        equal!($l 0 "[rdi]" "[rsi]"),
        equal!($l 1 "[rdi + .LW]" "[rsi + .LW]"),
        equal!($l 2 "[rdi + rdx - 2*.LW]" "[rsi + rdx - 2*.LW]"),
        equal!($l 3 "[rdi + rdx - .LW]" "[rsi + rdx - .LW]"),
        and!($l 4 0 1),
        and!($l 5 2 3),
        and!($l 4 4 5),
        unless_ones!($l 4 "5f"),
        leave_equal!($l),

        "3:",
        count!($l),
        // The next vector is at a multiple of the width.
        "mov ecx, edi",
        "or ecx, -.LW",
        "neg ecx",
        "add ecx, 3*.LW",
        "sub rdx, 4*.LW",
        "xor r8d, r8d",
        ".p2align 5",
        "4:",
        equal!($l 0 "[rdi + r8]" "[rsi + r8]"),
        equal!($l 1 "[rdi + r8 + .LW]" "[rsi + r8 + .LW]"),
        equal!($l 2 "[rdi + r8 + 2*.LW]" "[rsi + r8 + 2*.LW]"),
        equal!($l 3 "[rdi + r8 + 3*.LW]" "[rsi + r8 + 3*.LW]"),
        and!($l 4 0 1),
        and!($l 5 2 3),
        and!($l 4 4 5),
        unless_ones!($l 4 "6f"),
        "add r8, rcx",
        "mov ecx, 4*.LW",
        "cmp r8, rdx",
        "jb 4b",
        // Behind the last whole four: the last four, if they are not done.
        "sub r8, rdx",
        "cmp r8, 4*.LW",
        "mov r8, rdx",
        "jb 4b",
        leave_equal!($l),

        "6:",
        "lea r9, [r8 + 2*.LW]",
        "5:",
        differences!($l 0 1),
        "jnz 7f",
        "mov r8, r9",
        differences!($l 2 3),
        "7:",
        "tzcnt rax, rax",
        "add r8, rax",
        "movzx eax, byte ptr [rdi + r8]",
        "movzx ecx, byte ptr [rsi + r8]",
        "sub eax, ecx",
        leave!($l),
    ) };
}
pub(crate) use compare_wide;

/// memcmp(rdi: a, rsi: b, rdx: n) -> eax, which is bcmp as well.
macro_rules! memcmp {
    () => {
        core::arch::naked_asm!(
            width!(sse2),
            "cmp rdx, .LW",
            "jb .Lmemcmp_below_16",
            "cmp rdx, 2*.LW",
            "ja .Lmemcmp_above_32",
            compare_two!(sse2),

            ".Lmemcmp_below_16:",
            "cmp edx, 8",
            "jae .Lmemcmp_8_to_15",
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
            ".Lmemcmp_8_to_15:",
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
            ".Lmemcmp_differ:",
            "bswap rax",
            "bswap rcx",
            "cmp rax, rcx",
            "sbb eax, eax",
            "or eax, 1",
            "ret",

            ".Lmemcmp_above_32:",
            "cmp dword ptr [rip + {seen}], 0",
            "jl .Lmemcmp_avx2",
            compare_wide!(sse2),
            ".Lmemcmp_avx2:",
            width!(avx2),
            "cmp rdx, 2*.LW",
            "ja .Lmemcmp_above_64",
            compare_two!(avx2),
            ".Lmemcmp_above_64:",
            compare_wide!(avx2),
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use memcmp;

/// strlen(rdi: string) -> rax.
macro_rules! strlen {
    () => {
        core::arch::naked_asm!(
            "mov ecx, edi",
            "mov rax, rdi",
            "and rdi, -64",
            "cmp dword ptr [rip + {seen}], 0",
            "jl .Lstrlen_avx2",
            "pxor xmm0, xmm0",
            "movdqa xmm1, [rdi]",
            "movdqa xmm2, [rdi + 16]",
            "movdqa xmm3, [rdi + 32]",
            "movdqa xmm4, [rdi + 48]",
            "pcmpeqb xmm1, xmm0",
            "pcmpeqb xmm2, xmm0",
            "pcmpeqb xmm3, xmm0",
            "pcmpeqb xmm4, xmm0",
            "call .Lstrlen_bits",
            "shr rdx, cl",
            "test rdx, rdx",
            "jz 2f",
            "tzcnt rax, rdx",
            "ret",
            "2:",
            "add rdi, 64",
            "movdqa xmm1, [rdi]",
            "movdqa xmm2, [rdi + 16]",
            "movdqa xmm3, [rdi + 32]",
            "movdqa xmm4, [rdi + 48]",
            "pminub xmm2, xmm1",
            "pminub xmm4, xmm3",
            "pminub xmm4, xmm2",
            "pcmpeqb xmm4, xmm0",
            "pmovmskb edx, xmm4",
            "test edx, edx",
            "jz 2b",
            "movdqa xmm2, [rdi + 16]",
            "movdqa xmm4, [rdi + 48]",
            "pcmpeqb xmm1, xmm0",
            "pcmpeqb xmm2, xmm0",
            "pcmpeqb xmm3, xmm0",
            "pcmpeqb xmm4, xmm0",
            "call .Lstrlen_bits",
            "tzcnt rdx, rdx",
            "sub rdi, rax",
            "lea rax, [rdi + rdx]",
            "mov rdx, rax",
            "jmp {learn}",

            ".Lstrlen_bits:",
            "pmovmskb edx, xmm1",
            "pmovmskb esi, xmm2",
            "shl esi, 16",
            "or edx, esi",
            "pmovmskb esi, xmm3",
            "shl rsi, 32",
            "or rdx, rsi",
            "pmovmskb esi, xmm4",
            "shl rsi, 48",
            "or rdx, rsi",
            "ret",

            ".Lstrlen_avx2:",
            "vpxor xmm0, xmm0, xmm0",
            "vpcmpeqb ymm1, ymm0, [rdi]",
            "vpcmpeqb ymm2, ymm0, [rdi + 32]",
            "vpmovmskb edx, ymm1",
            "vpmovmskb esi, ymm2",
            "shl rsi, 32",
            "or rdx, rsi",
            "shr rdx, cl",
            "test rdx, rdx",
            "jz 3f",
            "tzcnt rax, rdx",
            "vzeroupper",
            "ret",
            "3:",
            "add rdi, 64",
            "vmovdqa ymm1, [rdi]",
            "vpminub ymm2, ymm1, [rdi + 32]",
            "vpcmpeqb ymm2, ymm2, ymm0",
            "vpmovmskb edx, ymm2",
            "test edx, edx",
            "jz 3b",
            "vpcmpeqb ymm1, ymm1, ymm0",
            "vpmovmskb ecx, ymm1",
            // Where the first has a NUL its bits do, else the second's are the second's.
            "shl rdx, 32",
            "or rdx, rcx",
            "tzcnt rdx, rdx",
            "sub rdi, rax",
            "lea rax, [rdi + rdx]",
            "vzeroupper",
            "ret",
            seen = sym SEEN,
            learn = sym learn,
        )
    };
}
pub(crate) use strlen;

/// memchr(rdi: s, esi: value, rdx: n) -> rax: where, or 0.
macro_rules! memchr {
    () => {
        core::arch::naked_asm!(
            "lea rdx, [rdi + rdx]",
            "2:",
            "cmp rdi, rdx",
            "je 3f",
            "lea rax, [rdi]",
            "inc rdi",
            "cmp byte ptr [rax], sil",
            "jne 2b",
            "ret",
            "3:",
            "xor eax, eax",
            "ret",
        )
    };
}
pub(crate) use memchr;
