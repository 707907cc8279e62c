#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# packages.sh SET... - installs the Debian packages of the named sets that are missing.
#   build  the daemon and its C parts      module  the kernel module and the iptables extension
#   demo   speech and tools of the demo    dkms    the module for every kernel to come
#   test   everything the tests start       deb     Debian packages, and a fresh Debian to try them in
# Root, or sudo. Does nothing, and asks no server, when all is there.
set -eu

packages() {
	case $1 in
	build) echo python3 python3-venv python3-dev gcc make pkg-config libnetfilter-queue-dev libnfnetlink-dev libssl-dev \
		iptables ;;
	module) echo gcc make pkg-config kmod libxtables-dev "linux-headers-$(dpkg --print-architecture)" ;;
	demo) echo sip-tester iproute2 ;;
	dkms) echo dkms ;;
	deb) echo dpkg-dev binutils xz-utils debootstrap ;;
	test) echo iproute2 ethtool iptables nftables sip-tester clang-14 libclang-rt-14-dev sparse qemu-system-x86 \
		busybox-static cpio kmod pahole python3 procps systemd groff-base dkms openssl baresip-core chromium redis-server \
		zsh fish tshark ;;
	*) echo "packages.sh: unknown set $1" >&2; exit 2 ;;
	esac
}

command -v dpkg-query >/dev/null || { echo "packages.sh: this installs packages of Debian, which this is not" >&2; exit 1; }
missing=
for set in "$@"; do
	names=$(packages "$set")
	for package in $names; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
			missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

SUDO=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "these packages are missing, and installing them needs root:$missing" >&2
		exit 1
	}
	SUDO=sudo
fi
echo "installing:$missing"
$SUDO apt-get update -qq
case " $* " in # the headers of the kernel that runs, where they still exist
*" module "* | *" dkms "*)
	own=linux-headers-$(uname -r)
	if [ -n "$(apt-cache show "$own" 2>/dev/null)" ]; then
		missing="$missing $own"
	fi ;;
esac
# shellcheck disable=SC2086 # a list of words
$SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
