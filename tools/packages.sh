#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# packages.sh SET... - installs the Debian packages of the named sets that are missing.
#   build  the daemon and its C parts      module  the kernel module and the iptables extension
#   demo   speech and tools of the demo    test    everything the tests start
# Root, or sudo. Does nothing, and asks no server, when all is there.
set -eu

packages() {
	case $1 in
	build) echo python3 python3-venv python3-dev gcc make pkg-config libnetfilter-queue-dev libnfnetlink-dev \
		iptables ;;
	module) echo gcc make pkg-config kmod libxtables-dev linux-headers-amd64 ;;
	demo) echo sip-tester iproute2 ;;
	test) echo iproute2 iptables sip-tester clang-14 libclang-rt-14-dev libssl-dev sparse qemu-system-x86 \
		busybox-static cpio kmod python3 ;;
	*) echo "packages.sh: unknown set $1" >&2; exit 2 ;;
	esac
}

missing=
for set in "$@"; do
	for package in $(packages "$set"); do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
			missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

SUDO=
[ "$(id -u)" = 0 ] || SUDO=sudo
echo "installing:$missing"
$SUDO apt-get update -q
# shellcheck disable=SC2086 # a list of words
$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
