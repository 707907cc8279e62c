#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# kernel.sh - prints the kernel release to build the module for: KERNELRELEASE if set, else the running kernel,
# or, said on standard error, the newest one with headers if the running one has none.
set -eu

running=$(uname -r)
release=${KERNELRELEASE:-$running}
[ -e "/lib/modules/$release/build/Makefile" ] && { echo "$release"; exit 0; }
[ -z "${KERNELRELEASE:-}" ] || { echo "no kernel headers for $release in /lib/modules/$release/build" >&2; exit 1; }
newest=
for makefile in $(ls -d /lib/modules/*/build/Makefile 2>/dev/null | sort -V); do
	newest=${makefile#/lib/modules/}
	newest=${newest%/build/Makefile}
done
[ -n "$newest" ] || { echo "no kernel headers here; apt-get install linux-headers-$running" >&2; exit 1; }
echo "the running kernel $running has no headers here: building for $newest, which $running cannot load" >&2
echo "$newest"
