// SPDX-License-Identifier: GPL-3.0-or-later
/* run [NAME...] - runs the named tests, or all. */
#include "check.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	int i;

	if (argc == 1)
		return !check_run(NULL);
	for (i = 1; i < argc; i++) {
		if (!check_run(argv[i])) {
			fprintf(stderr, "no test %s\n", argv[i]);
			return 2;
		}
	}
	return 0;
}
