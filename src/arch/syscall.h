/*
 * System calls for C programs that start at start/<arch>.S: the twin of <arch>.rs.
 *
 * Each is the instruction and its registers, inlined. The result is the kernel's:
 * -4095 to -1 is an error, negated (errno(3)).
 *
 * A compiler may turn a loop or an assignment into a call of memcpy, memmove,
 * memset or memcmp, also with -ffreestanding: a program in which that happens
 * must define the function.
 */

#ifndef FREESTAND_SYSCALL_H
#define FREESTAND_SYSCALL_H

#include <stddef.h>

#if defined __x86_64__
#include "x86_64.h"
#elif defined __i386__
#include "i386.h"
#elif defined __aarch64__
#include "aarch64.h"
#elif defined __riscv && __riscv_xlen == 64
#include "riscv64.h"
#else
#error "freestand runs on x86_64, i386, aarch64 and riscv64"
#endif

#define EINTR 4

/* read(2): up to `count` bytes from `fd` to `buf`; 0 at the end. */
static inline long sys_read(int fd, void *buf, size_t count)
{
	return syscall3(NR_read, fd, (long)buf, (long)count);
}

/* write(2): up to `count` bytes of `buf` to `fd`. */
static inline long sys_write(int fd, const void *buf, size_t count)
{
	return syscall3(NR_write, fd, (long)buf, (long)count);
}

#endif
