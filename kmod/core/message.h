/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ADD_TARGET message taken apart: where each of its parts lies. */
#ifndef RTPE_CORE_MESSAGE_H
#define RTPE_CORE_MESSAGE_H

#include "packet.h"
#include "rewrite.h"

#define RTPE_PART_KINDS (RTPE_PART_SOURCES + 1)

/* The parts of the target, or of one output, by kind; NULL: missing. */
struct rtpe_parts {
	const void *entries[RTPE_PART_KINDS];
	u8 count[RTPE_PART_KINDS];
};

struct rtpe_message {
	const struct rtpe_target_msg *target;
	struct rtpe_parts parts;
	struct rtpe_parts outputs[RTPE_MAX_OUTPUTS];	/* entries[RTPE_PART_OUTPUT] is the output itself */
};

/*
 * Checks all of a message that does not depend on the engine; m points into it
 * afterwards. EINVAL, ERANGE, EOPNOTSUPP as uapi/rtpengine.h says.
 */
int rtpe_message_parse(struct rtpe_message *m, const struct rtpe_target_msg *msg, u32 len);

/* What an output does to its packets. */
struct rtpe_rewrite_parts rtpe_message_rewrite(const struct rtpe_parts *output);

#endif
