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

/// Register `$n` of a level: sse2's have 16 bytes, avx2's 32.
macro_rules! load {
    (sse2 $n:literal $from:literal) => { concat!("movups xmm", $n, ", ", $from, "\n") };
    (avx2 $n:literal $from:literal) => { concat!("vmovdqu ymm", $n, ", ", $from, "\n") };
}
pub(crate) use load;
macro_rules! store {
    (sse2 $to:literal $n:literal) => { concat!("movups ", $to, ", xmm", $n, "\n") };
    (avx2 $to:literal $n:literal) => { concat!("vmovdqu ", $to, ", ymm", $n, "\n") };
}
pub(crate) use store;
macro_rules! store_aligned {
    (sse2 $to:literal $n:literal) => { concat!("movaps ", $to, ", xmm", $n, "\n") };
    (avx2 $to:literal $n:literal) => { concat!("vmovdqa ", $to, ", ymm", $n, "\n") };
}
pub(crate) use store_aligned;
macro_rules! leave {
    (sse2) => { "ret\n" };
    (avx2) => { "vzeroupper\n ret\n" };
}
pub(crate) use leave;
macro_rules! level {
    (sse2) => { ".set .LW, 16\n" };
    (avx2) => { ".set .LW, 32\n" };
}
pub(crate) use level;
macro_rules! count {
    (sse2) => { "call {learn}\n" };
    (avx2) => { "" };
}
pub(crate) use count;

macro_rules! move_wide {
    ($l:tt) => { concat!(
        $crate::arch::mem::level!($l),
        "cmp rdx, 8*.LW\n",
        "ja .Lmemmove_loops_", stringify!($l), "\n",
        $crate::arch::mem::load!($l 0 "[rsi]"),
        $crate::arch::mem::load!($l 1 "[rsi + .LW]"),
        $crate::arch::mem::load!($l 2 "[rsi + 2*.LW]"),
        $crate::arch::mem::load!($l 3 "[rsi + 3*.LW]"),
        $crate::arch::mem::load!($l 4 "[rsi + rdx - 4*.LW]"),
        $crate::arch::mem::load!($l 5 "[rsi + rdx - 3*.LW]"),
        $crate::arch::mem::load!($l 6 "[rsi + rdx - 2*.LW]"),
        $crate::arch::mem::load!($l 7 "[rsi + rdx - .LW]"),
        $crate::arch::mem::store!($l "[rdi]" 0),
        $crate::arch::mem::store!($l "[rdi + .LW]" 1),
        $crate::arch::mem::store!($l "[rdi + 2*.LW]" 2),
        $crate::arch::mem::store!($l "[rdi + 3*.LW]" 3),
        $crate::arch::mem::store!($l "[rdi + rdx - 4*.LW]" 4),
        $crate::arch::mem::store!($l "[rdi + rdx - 3*.LW]" 5),
        $crate::arch::mem::store!($l "[rdi + rdx - 2*.LW]" 6),
        $crate::arch::mem::store!($l "[rdi + rdx - .LW]" 7),
        $crate::arch::mem::leave!($l),

        ".Lmemmove_loops_", stringify!($l), ":\n",
        $crate::arch::mem::count!($l),
        "mov rcx, rdi\n",
        "sub rcx, rsi\n",
        "cmp rcx, rdx\n",
        "jb .Lmemmove_backward_", stringify!($l), "\n",

        $crate::arch::mem::load!($l 4 "[rsi + rdx - 4*.LW]"),
        $crate::arch::mem::load!($l 5 "[rsi + rdx - 3*.LW]"),
        $crate::arch::mem::load!($l 6 "[rsi + rdx - 2*.LW]"),
        $crate::arch::mem::load!($l 7 "[rsi + rdx - .LW]"),
        $crate::arch::mem::load!($l 8 "[rsi]"),
        "lea rdx, [rdi + rdx - 4*.LW]\n",
        "sub rsi, rdi\n",
        "or rdi, .LW - 1\n",
        "inc rdi\n",
        ".p2align 5\n",
        ".Lmemmove_forward_", stringify!($l), ":\n",
        $crate::arch::mem::load!($l 0 "[rdi + rsi]"),
        $crate::arch::mem::load!($l 1 "[rdi + rsi + .LW]"),
        $crate::arch::mem::load!($l 2 "[rdi + rsi + 2*.LW]"),
        $crate::arch::mem::load!($l 3 "[rdi + rsi + 3*.LW]"),
        $crate::arch::mem::store_aligned!($l "[rdi]" 0),
        $crate::arch::mem::store_aligned!($l "[rdi + .LW]" 1),
        $crate::arch::mem::store_aligned!($l "[rdi + 2*.LW]" 2),
        $crate::arch::mem::store_aligned!($l "[rdi + 3*.LW]" 3),
        "add rdi, 4*.LW\n",
        "cmp rdi, rdx\n",
        "jb .Lmemmove_forward_", stringify!($l), "\n",
        $crate::arch::mem::store!($l "[rdx]" 4),
        $crate::arch::mem::store!($l "[rdx + .LW]" 5),
        $crate::arch::mem::store!($l "[rdx + 2*.LW]" 6),
        $crate::arch::mem::store!($l "[rdx + 3*.LW]" 7),
        $crate::arch::mem::store!($l "[rax]" 8),
        $crate::arch::mem::leave!($l),

        ".Lmemmove_backward_", stringify!($l), ":\n",
        $crate::arch::mem::load!($l 4 "[rsi]"),
        $crate::arch::mem::load!($l 5 "[rsi + .LW]"),
        $crate::arch::mem::load!($l 6 "[rsi + 2*.LW]"),
        $crate::arch::mem::load!($l 7 "[rsi + 3*.LW]"),
        $crate::arch::mem::load!($l 8 "[rsi + rdx - .LW]"),
        "sub rsi, rdi\n",
        "lea rcx, [rdi + 4*.LW]\n",
        "lea rdx, [rdi + rdx - .LW]\n",
        "lea rdi, [rdx + .LW - 1]\n",
        "and rdi, -.LW\n",
        ".p2align 5\n",
        ".Lmemmove_backwards_", stringify!($l), ":\n",
        $crate::arch::mem::load!($l 0 "[rdi + rsi - .LW]"),
        $crate::arch::mem::load!($l 1 "[rdi + rsi - 2*.LW]"),
        $crate::arch::mem::load!($l 2 "[rdi + rsi - 3*.LW]"),
        $crate::arch::mem::load!($l 3 "[rdi + rsi - 4*.LW]"),
        $crate::arch::mem::store_aligned!($l "[rdi - .LW]" 0),
        $crate::arch::mem::store_aligned!($l "[rdi - 2*.LW]" 1),
        $crate::arch::mem::store_aligned!($l "[rdi - 3*.LW]" 2),
        $crate::arch::mem::store_aligned!($l "[rdi - 4*.LW]" 3),
        "sub rdi, 4*.LW\n",
        "cmp rdi, rcx\n",
        "ja .Lmemmove_backwards_", stringify!($l), "\n",
        $crate::arch::mem::store!($l "[rdx]" 8),
        $crate::arch::mem::store!($l "[rax]" 4),
        $crate::arch::mem::store!($l "[rax + .LW]" 5),
        $crate::arch::mem::store!($l "[rax + 2*.LW]" 6),
        $crate::arch::mem::store!($l "[rax + 3*.LW]" 7),
        $crate::arch::mem::leave!($l),
    ) };
}
pub(crate) use move_wide;

/// memmove(rdi: dest, rsi: src, rdx: n) -> rax: dest, which is memcpy as well.
macro_rules! memmove {
    () => {
        core::arch::naked_asm!(
            "mov rax, rdi",
            "cmp rdx, 16",
            "jb .Lmemmove_below_16",
            "cmp rdx, 64",
            "jae .Lmemmove_from_64",
            "mov ecx, edx",
            "shr ecx, 1",
            "and ecx, 16",
            "lea r8, [rdx - 16]",
            "sub r8, rcx",
            "movups xmm0, [rsi]",
            "movups xmm1, [rsi + rcx]",
            "movups xmm2, [rsi + r8]",
            "movups xmm3, [rsi + rdx - 16]",
            "movups [rdi], xmm0",
            "movups [rdi + rcx], xmm1",
            "movups [rdi + r8], xmm2",
            "movups [rdi + rdx - 16], xmm3",
            "ret",

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

            ".Lmemmove_from_64:",
            "cmp dword ptr [rip + {seen}], 0",
            "jl .Lmemmove_avx2",
            $crate::arch::mem::move_wide!(sse2),
            ".Lmemmove_avx2:",
            $crate::arch::mem::level!(avx2),
            "cmp rdx, 4*.LW",
            "ja .Lmemmove_above_128",
            $crate::arch::mem::load!(avx2 0 "[rsi]"),
            $crate::arch::mem::load!(avx2 1 "[rsi + .LW]"),
            $crate::arch::mem::load!(avx2 2 "[rsi + rdx - 2*.LW]"),
            $crate::arch::mem::load!(avx2 3 "[rsi + rdx - .LW]"),
            $crate::arch::mem::store!(avx2 "[rdi]" 0),
            $crate::arch::mem::store!(avx2 "[rdi + .LW]" 1),
            $crate::arch::mem::store!(avx2 "[rdi + rdx - 2*.LW]" 2),
            $crate::arch::mem::store!(avx2 "[rdi + rdx - .LW]" 3),
            $crate::arch::mem::leave!(avx2),
            ".Lmemmove_above_128:",
            $crate::arch::mem::move_wide!(avx2),
            seen = sym $crate::arch::mem::SEEN,
            learn = sym $crate::arch::mem::learn,
        )
    };
}
pub(crate) use memmove;

macro_rules! fill_wide {
    ($l:tt) => { concat!(
        $crate::arch::mem::level!($l),
        "cmp rdx, 4*.LW\n",
        "ja .Lmemset_above_4_", stringify!($l), "\n",
        $crate::arch::mem::store!($l "[rdi]" 0),
        $crate::arch::mem::store!($l "[rdi + .LW]" 0),
        $crate::arch::mem::store!($l "[rdi + rdx - 2*.LW]" 0),
        $crate::arch::mem::store!($l "[rdi + rdx - .LW]" 0),
        $crate::arch::mem::leave!($l),
        ".Lmemset_above_4_", stringify!($l), ":\n",
        $crate::arch::mem::store!($l "[rdi]" 0),
        $crate::arch::mem::store!($l "[rdi + rdx - 4*.LW]" 0),
        $crate::arch::mem::store!($l "[rdi + rdx - 3*.LW]" 0),
        $crate::arch::mem::store!($l "[rdi + rdx - 2*.LW]" 0),
        $crate::arch::mem::store!($l "[rdi + rdx - .LW]" 0),
        "cmp rdx, 8*.LW\n",
        "ja .Lmemset_loops_", stringify!($l), "\n",
        $crate::arch::mem::store!($l "[rdi + .LW]" 0),
        $crate::arch::mem::store!($l "[rdi + 2*.LW]" 0),
        $crate::arch::mem::store!($l "[rdi + 3*.LW]" 0),
        $crate::arch::mem::leave!($l),

        ".Lmemset_loops_", stringify!($l), ":\n",
        $crate::arch::mem::count!($l),
        "lea rdx, [rdi + rdx - 4*.LW]\n",
        "or rdi, .LW - 1\n",
        "inc rdi\n",
        ".p2align 5\n",
        ".Lmemset_loop_", stringify!($l), ":\n",
        $crate::arch::mem::store_aligned!($l "[rdi]" 0),
        $crate::arch::mem::store_aligned!($l "[rdi + .LW]" 0),
        $crate::arch::mem::store_aligned!($l "[rdi + 2*.LW]" 0),
        $crate::arch::mem::store_aligned!($l "[rdi + 3*.LW]" 0),
        "add rdi, 4*.LW\n",
        "cmp rdi, rdx\n",
        "jb .Lmemset_loop_", stringify!($l), "\n",
        $crate::arch::mem::leave!($l),
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
            "punpcklqdq xmm0, xmm0",
            "cmp rdx, 32",
            "ja .Lmemset_above_32",
            "movups [rdi], xmm0",
            "movups [rdi + rdx - 16], xmm0",
            "ret",

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
            $crate::arch::mem::fill_wide!(sse2),
            ".Lmemset_avx2:",
            $crate::arch::mem::level!(avx2),
            "vpbroadcastb ymm0, xmm0",
            "cmp rdx, 2*.LW",
            "ja .Lmemset_above_64",
            $crate::arch::mem::store!(avx2 "[rdi]" 0),
            $crate::arch::mem::store!(avx2 "[rdi + rdx - .LW]" 0),
            $crate::arch::mem::leave!(avx2),
            ".Lmemset_above_64:",
            $crate::arch::mem::fill_wide!(avx2),
            seen = sym $crate::arch::mem::SEEN,
            learn = sym $crate::arch::mem::learn,
        )
    };
}
pub(crate) use memset;

macro_rules! equal {
    (sse2 $n:literal $a:literal $b:literal $other:literal) => {
        concat!("movups xmm", $n, ", ", $a, "\n movups xmm", $other, ", ", $b, "\n pcmpeqb xmm", $n, ", xmm", $other, "\n")
    };
    (avx2 $n:literal $a:literal $b:literal $other:literal) => {
        concat!("vmovdqu ymm", $n, ", ", $a, "\n vpcmpeqb ymm", $n, ", ymm", $n, ", ", $b, "\n")
    };
}
pub(crate) use equal;

/// All of registers 0 to 3: ones in eax? else jumps.
macro_rules! unless_all {
    (sse2 $target:literal) => { concat!(
        "movdqa xmm4, xmm0\n pand xmm4, xmm1\n movdqa xmm5, xmm2\n pand xmm5, xmm3\n pand xmm4, xmm5\n",
        "pmovmskb eax, xmm4\n cmp eax, 0xffff\n jne ", $target, "\n") };
    (avx2 $target:literal) => { concat!(
        "vpand ymm4, ymm0, ymm1\n vpand ymm5, ymm2, ymm3\n vpand ymm4, ymm4, ymm5\n",
        "vpmovmskb eax, ymm4\n inc eax\n jnz ", $target, "\n") };
}
pub(crate) use unless_all;

/// Bits of registers into rax: complement.
macro_rules! bits {
    (sse2 $a:literal $b:literal) => { concat!(
        "pmovmskb eax, xmm", $a, "\n pmovmskb ecx, xmm", $b, "\n shl ecx, 16\n or eax, ecx\n not eax\n") };
    (avx2 $a:literal $b:literal) => { concat!(
        "vpmovmskb eax, ymm", $a, "\n vpmovmskb ecx, ymm", $b, "\n shl rcx, 32\n or rax, rcx\n not rax\n") };
}
pub(crate) use bits;

macro_rules! compare_wide {
    ($l:tt $name:literal) => { concat!(
        $crate::arch::mem::level!($l),
        "cmp rdx, 4*.LW\n",
        "ja .Lmemcmp_above_4_", $name, "\n",
        "xor r8d, r8d\n",
        "lea r9, [rdx - 2*.LW]\n",
        $crate::arch::mem::equal!($l 0 "[rdi]" "[rsi]" 4),
        $crate::arch::mem::equal!($l 1 "[rdi + .LW]" "[rsi + .LW]" 5),
        $crate::arch::mem::equal!($l 2 "[rdi + rdx - 2*.LW]" "[rsi + rdx - 2*.LW]" 6),
        $crate::arch::mem::equal!($l 3 "[rdi + rdx - .LW]" "[rsi + rdx - .LW]" 7),
        "jmp .Lmemcmp_last_", $name, "\n",

        ".Lmemcmp_above_4_", $name, ":\n",
        $crate::arch::mem::count!($l),
        "xor r8d, r8d\n",
        "sub rdx, 4*.LW\n",
        ".p2align 5\n",
        ".Lmemcmp_loop_", $name, ":\n",
        $crate::arch::mem::equal!($l 0 "[rdi + r8]" "[rsi + r8]" 4),
        $crate::arch::mem::equal!($l 1 "[rdi + r8 + .LW]" "[rsi + r8 + .LW]" 5),
        $crate::arch::mem::equal!($l 2 "[rdi + r8 + 2*.LW]" "[rsi + r8 + 2*.LW]" 6),
        $crate::arch::mem::equal!($l 3 "[rdi + r8 + 3*.LW]" "[rsi + r8 + 3*.LW]" 7),
        "pand_placeholder\n",
    ) };
}

/// memcmp(rdi: a, rsi: b, rdx: n) -> eax, which is bcmp as well.
macro_rules! memcmp {
    () => {
        core::arch::naked_asm!(
            "xor ecx, ecx",
            "2:",
            "cmp rcx, rdx",
            "je 3f",
            "movzx eax, byte ptr [rdi + rcx]",
            "movzx r8d, byte ptr [rsi + rcx]",
            "inc rcx",
            "sub eax, r8d",
            "je 2b",
            "ret",
            "3:",
            "xor eax, eax",
            "ret",
        )
    };
}
pub(crate) use memcmp;

/// strlen(rdi: string) -> rax.
macro_rules! strlen {
    () => {
        core::arch::naked_asm!(
            "mov rax, -1",
            "2:",
            "inc rax",
            "cmp byte ptr [rdi + rax], 0",
            "jne 2b",
            "ret",
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
