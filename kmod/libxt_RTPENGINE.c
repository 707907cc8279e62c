// SPDX-License-Identifier: GPL-2.0-or-later
/* The iptables extension: -j RTPENGINE --id N. */
#include <stdio.h>
#include <xtables.h>
#include "xt_RTPENGINE.h"

#define MAX_ID 63

enum {
	O_ID,
};

static const struct xt_option_entry options[] = {
	{
		.name = "id", .id = O_ID, .type = XTTYPE_UINT32, .flags = XTOPT_PUT, .min = 0, .max = MAX_ID,
		XTOPT_POINTER(struct xt_rtpengine_info, id),
	},
	XTOPT_TABLEEND,
};

static void help(void)
{
	printf("RTPENGINE (version %s) target options:\n"
	       "  --id <id>\n"
	       "      Unique ID for this instance\n",
	       XTABLES_VERSION);
}

static void check(struct xt_fcheck_call *call)
{
	if (!(call->xflags & 1u << O_ID))
		xtables_error(PARAMETER_PROBLEM, "You must specify --id");
}

static unsigned int id_of(const struct xt_entry_target *target)
{
	return ((const struct xt_rtpengine_info *)target->data)->id;
}

static void print(const void *ip, const struct xt_entry_target *target, int numeric)
{
	(void)ip;
	(void)numeric;
	printf(" RTPENGINE id:%u", id_of(target));
}

static void save(const void *ip, const struct xt_entry_target *target)
{
	(void)ip;
	printf(" --id %u", id_of(target));
}

static struct xtables_target extension = {
	.name = "RTPENGINE",
	.version = XTABLES_VERSION,
	.family = NFPROTO_UNSPEC,
	.size = XT_ALIGN(sizeof(struct xt_rtpengine_info)),
	.userspacesize = XT_ALIGN(sizeof(struct xt_rtpengine_info)),
	.help = help,
	.print = print,
	.save = save,
	.x6_parse = xtables_option_parse,
	.x6_fcheck = check,
	.x6_options = options,
};

static __attribute__((constructor)) void register_extension(void)
{
	xtables_register_target(&extension);
}
