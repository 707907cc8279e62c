/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Known answers: run when a debug build of the module is loaded, and by the tests in user space. */
#ifndef RTPE_SELFTEST_H
#define RTPE_SELFTEST_H

#include "../core/crypto.h"

/* The name of the first vector that these ciphers get wrong, or NULL. May sleep. */
const char *rtpe_selftest_srtp(const struct rtpe_cipher_ops *ops);

#endif
