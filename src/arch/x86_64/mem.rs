//! The instructions of memmove, memset, memcmp, strlen and memchr.

/// memmove(rdi: dest, rsi: src, rdx: n) -> rax: dest, which is memcpy as well.
macro_rules! memmove {
    () => {
        core::arch::naked_asm!(
            "mov rax, rdi",
            "mov rcx, rdx",
            "mov r8, rdi",
            "sub r8, rsi",
            "cmp r8, rdx",
            "jb 2f",
            "rep movsb",
            "ret",
            "2:",
            "lea rdi, [rdi + rdx - 1]",
            "lea rsi, [rsi + rdx - 1]",
            "std",
            "rep movsb",
            "cld",
            "ret",
        )
    };
}
pub(crate) use memmove;

/// memset(rdi: dest, esi: value, rdx: n) -> rax: dest.
macro_rules! memset {
    () => {
        core::arch::naked_asm!(
            "mov r8, rdi",
            "mov eax, esi",
            "mov rcx, rdx",
            "rep stosb",
            "mov rax, r8",
            "ret",
        )
    };
}
pub(crate) use memset;

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
