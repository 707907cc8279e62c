/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ciphers of SRTP in user space. */
#ifndef RTPE_RELAY_CIPHER_H
#define RTPE_RELAY_CIPHER_H

#include "../../kmod/core/crypto.h"

extern const struct rtpe_cipher_ops rtpe_openssl_ciphers;

#endif
