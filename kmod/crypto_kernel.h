/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ciphers of SRTP in the kernel. */
#ifndef RTPE_CRYPTO_KERNEL_H
#define RTPE_CRYPTO_KERNEL_H

#include "core/crypto.h"

/* Before any other use: finds out what the processor can do. */
void rtpe_crypto_kernel_init(void);

extern const struct rtpe_cipher_ops rtpe_kernel_ciphers;
extern const struct rtpe_cipher_ops rtpe_plain_ciphers;	/* the same without vector instructions, for tests */

#endif
