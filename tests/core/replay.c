// SPDX-License-Identifier: GPL-3.0-or-later
/* replay FILE... - runs a fuzz target on kept inputs, without libFuzzer. */
#include "fuzz.h"

#include <stdio.h>

static int replay(const char *name)
{
	FILE *file = fopen(name, "rb");
	uint8_t *data = malloc(1 << 21);
	size_t size;

	if (!file) {
		perror(name);
		return 1;
	}
	size = fread(data, 1, 1 << 21, file);
	fclose(file);
	fprintf(stderr, "%s\n", name);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int i, failed = 0;

	for (i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	return failed;
}
