#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# dkms.sh install - builds and installs the module from /usr/src, for the running kernel or KERNELRELEASE
# dkms.sh remove  - takes it away for all kernels, with its sources and the iptables extension
set -eu

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' kmod/dkms.conf)
release=${KERNELRELEASE:-$(uname -r)}

case ${1:-} in
install)
	[ -e "/lib/modules/$release/build/Makefile" ] || {
		echo "The sources are in /usr/src/rtpengine-$version, but kernel $release has no headers here, so nothing was" >&2
		echo "built. apt-get install linux-headers-$release and again, or KERNELRELEASE=... for another kernel." >&2
		exit 1
	}
	dkms install --force "rtpengine/$version" -k "$release"
	echo "installed; next: modprobe xt_RTPENGINE" ;;
remove)
	if command -v dkms >/dev/null && [ -n "$(dkms status "rtpengine/$version")" ]; then
		dkms remove "rtpengine/$version" --all
	fi
	rm -rf "/usr/src/rtpengine-$version"
	if command -v pkg-config >/dev/null && directory=$(pkg-config --variable=xtlibdir xtables); then
		rm -f "$directory/libxt_RTPENGINE.so"
	fi ;;
*) echo "usage: dkms.sh install|remove" >&2; exit 2 ;;
esac
