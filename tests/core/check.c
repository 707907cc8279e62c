// SPDX-License-Identifier: GPL-3.0-or-later
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TESTS 512

static struct test {
	const char *name;
	void (*run)(void);
} tests[MAX_TESTS];
static int num_tests;
static const char *current = "";

void check_register(const char *name, void (*run)(void))
{
	if (num_tests == MAX_TESTS)
		abort();
	tests[num_tests++] = (struct test){ name, run };
}

void check_case(const char *name)
{
	current = name;
}

void check_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not true: %s%s%s\n", file, line, what, *current ? ", case " : "", current);
	exit(1);
}

void check_equal(const char *file, int line, const char *what, long long left, long long right)
{
	if (left == right)
		return;
	fprintf(stderr, "%lld and %lld\n", left, right);
	check_failed(file, line, what);
}

int check_run(const char *name)
{
	int i, found = 0;

	for (i = 0; i < num_tests; i++) {
		if (name && strcmp(tests[i].name, name))
			continue;
		check_case("");
		tests[i].run();
		found++;
	}
	return found;
}
