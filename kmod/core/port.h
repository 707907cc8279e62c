/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only seam between the forwarding core and what it runs on. The core calls
 * what is declared here and in the other headers of this folder, nothing else.
 *
 * Who runs what: table changes are serialised by the host (a mutex per table in
 * the module, one control thread in user space). Packets take no lock: they find
 * targets inside rtpe_read_lock()/unlock(), and a removed target is freed through
 * rtpe_defer() when no packet can see it any more.
 */
#ifndef RTPE_CORE_PORT_H
#define RTPE_CORE_PORT_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <asm/byteorder.h>
#ifdef RTPE_HAVE_LINUX_UNALIGNED
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#define RTPE_RCU __rcu
#define rtpe_rcu_get(p) rcu_dereference(p)
#define rtpe_rcu_own(p) rcu_dereference_protected(p, 1)
#define rtpe_rcu_set(p, v) rcu_assign_pointer(p, v)
#define rtpe_store_release(p, v) smp_store_release(p, v)
#define rtpe_load_acquire(p) smp_load_acquire(p)
#define rtpe_read_lock() rcu_read_lock()
#define rtpe_read_unlock() rcu_read_unlock()

struct rtpe_deferred {
	struct rcu_work work;
	void (*fn)(struct rtpe_deferred *d);
};

typedef spinlock_t rtpe_lock_t;
#define rtpe_lock_init(l) spin_lock_init(l)
#define rtpe_lock_exit(l) do { } while (0)
#define rtpe_lock(l) spin_lock_bh(l)
#define rtpe_unlock(l) spin_unlock_bh(l)

typedef refcount_t rtpe_ref_t;
#define rtpe_ref_init(r) refcount_set(r, 1)
#define rtpe_ref_get(r) refcount_inc(r)
/* True: that was the last one. */
#define rtpe_ref_put(r) refcount_dec_and_test(r)

static inline void *rtpe_alloc(size_t size)
{
	return kvzalloc(size, GFP_KERNEL_ACCOUNT);
}

/* For packets: never sleeps, and what it returns is not zeroed. */
static inline void *rtpe_alloc_atomic(size_t size)
{
	return kmalloc(size, GFP_ATOMIC | __GFP_NOWARN);
}

static inline void rtpe_free(const void *p)
{
	kvfree(p);
}

/* Zeroed whole pages that can be mapped into user space. */
static inline void *rtpe_pages_alloc(size_t size)
{
	return vmalloc_user(size);
}

static inline void rtpe_pages_free(const void *p)
{
	vfree(p);
}

#define RTPE_PAGE_BYTES PAGE_SIZE
/* Counters are per CPU; packets run with softirqs off, so a CPU is alone. */
#define rtpe_cpu() raw_smp_processor_id()
#define rtpe_read16(p) get_unaligned_be16(p)
#define rtpe_read32(p) get_unaligned_be32(p)
#define rtpe_write32(v, p) put_unaligned_be32(v, p)
#define rtpe_div64(n, d) div_u64(n, d)
#define rtpe_popcount32(x) hweight32(x)
#define rtpe_first_bit64(x) __ffs64(x)
#define rtpe_wipe(p, len) memzero_explicit(p, len)

/* If *p is *old, makes it new; if not, *old becomes what it is. A full barrier if it succeeds. */
static inline bool rtpe_cas64(__u64 *p, __u64 *old, __u64 new)
{
	__u64 expected = *old;

	*old = cmpxchg64(p, expected, new);
	return *old == expected;
}

#else /* user space */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef uint16_t __be16;
typedef uint32_t __be32;

#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define noinline __attribute__((noinline))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

#define RTPE_RCU
#define rtpe_rcu_get(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rtpe_rcu_own(p) (p)
#define rtpe_rcu_set(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define rtpe_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define rtpe_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
/* What a reader is, the host says (controlplane/relay/rcu.h). */
#define rtpe_read_lock() do { } while (0)
#define rtpe_read_unlock() do { } while (0)

struct rtpe_deferred {
	struct rtpe_deferred *next;
	u64 epoch;
	void (*fn)(struct rtpe_deferred *d);
};

typedef pthread_mutex_t rtpe_lock_t;
#define rtpe_lock_init(l) pthread_mutex_init(l, NULL)
#define rtpe_lock_exit(l) pthread_mutex_destroy(l)
#define rtpe_lock(l) pthread_mutex_lock(l)
#define rtpe_unlock(l) pthread_mutex_unlock(l)

typedef u32 rtpe_ref_t;
#define rtpe_ref_init(r) __atomic_store_n(r, 1, __ATOMIC_RELAXED)
#define rtpe_ref_get(r) __atomic_fetch_add(r, 1, __ATOMIC_RELAXED)
#define rtpe_ref_put(r) (__atomic_fetch_sub(r, 1, __ATOMIC_ACQ_REL) == 1)

static inline void *rtpe_alloc(size_t size)
{
	return calloc(1, size);
}

static inline void *rtpe_alloc_atomic(size_t size)
{
	return malloc(size);
}

static inline void rtpe_free(const void *p)
{
	free((void *)(uintptr_t)p);
}

#define RTPE_PAGE_BYTES 4096

static inline void *rtpe_pages_alloc(size_t size)
{
	void *p = aligned_alloc(RTPE_PAGE_BYTES, size);

	return p ? memset(p, 0, size) : NULL;
}

static inline void rtpe_pages_free(const void *p)
{
	free((void *)(uintptr_t)p);
}

/* Set by each packet thread before its first packet. At a fixed place: else each use from a library is a call. */
extern __thread u32 rtpe_thread_index __attribute__((tls_model("initial-exec")));
#define rtpe_cpu() rtpe_thread_index

static inline u16 rtpe_read16(const void *p)
{
	const u8 *b = p;

	return (u16)(b[0] << 8 | b[1]);
}

static inline u32 rtpe_read32(const void *p)
{
	const u8 *b = p;

	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

static inline void rtpe_write32(u32 v, void *p)
{
	u8 *b = p;

	b[0] = (u8)(v >> 24);
	b[1] = (u8)(v >> 16);
	b[2] = (u8)(v >> 8);
	b[3] = (u8)v;
}

#define rtpe_div64(n, d) ((u64)(n) / (d))
#define rtpe_popcount32(x) ((u32)__builtin_popcount(x))
#define rtpe_first_bit64(x) ((u32)__builtin_ctzll(x))
#define rtpe_wipe(p, len) explicit_bzero(p, len)

static inline bool rtpe_cas64(__u64 *p, __u64 *old, __u64 new)
{
	return __atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

#endif

/* A variable of the packet path that is filled before it is read: not to be cleared first, as kernels have it done. */
#if __has_attribute(uninitialized)
#define RTPE_UNINIT __attribute__((uninitialized))
#else
#define RTPE_UNINIT
#endif

/* Calls fn(d) when no packet that may have seen d's owner is under way. */
void rtpe_defer(struct rtpe_deferred *d, void (*fn)(struct rtpe_deferred *d));

#endif
