#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# deb.sh FOLDER [PACKAGE...] - builds Debian packages, as packaging/ describes them, in FOLDER; needs no root.
#   rtpengined         the daemon, in a virtual environment of its own below /usr/lib/rtpengine
#   rtpengine-ctl      the operator's client, likewise below /usr/lib/rtpengine-ctl
#   rtpengine-dkms     the sources of the kernel module
#   rtpengine-xtables  the iptables extension
# COMPILE=0 leaves the daemon's modules as they are. MAINTAINER='Name <address>' is for packages that go to others.
set -eu

out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
shift
[ $# -gt 0 ] || set -- rtpengined rtpengine-ctl rtpengine-dkms rtpengine-xtables
work=$out/work
python=${SYSTEM_PYTHON:-/usr/bin/python3}
version=$(sed -n 's/^version = //p' setup.cfg)
architecture=$(dpkg --print-architecture)
maintainer=${MAINTAINER:-"rtpengine <root@localhost>"}
minor=$("$python" -c 'import sys; print(sys.version_info.minor)')
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y setup.cfg)}
export SOURCE_DATE_EPOCH
umask 022
rm -rf "$work" "$out"/*.deb

# Out of a tree that was installed below $1: programs that nobody starts, tools of the build, names of this host.
tidy() {
	environment=$1$2
	"$environment/bin/python" -m pip uninstall -q -y mypy cython wheel ast-serialize pathspec setuptools pip 2>/dev/null
	for program in "$environment"/bin/*; do
		case $program in */python* | */rtpengine | */rtpengine-ctl) ;; *) rm -f "$program" ;; esac
	done
	rm -rf "$environment/include" "$environment/share"
	find "$environment/lib" -name '*.py' -exec chmod a-x {} +
	find "$environment/lib" -name '*.so' -exec strip --strip-unneeded {} +
	sed -i "s|$1||g" "$environment/pyvenv.cfg"
	find "$environment" -name '__pycache__' -prune -exec rm -rf {} + -o -name direct_url.json -exec rm {} +
	"$python" -m compileall -q -j2 -s "$1" -p / --invalidation-mode unchecked-hash "$environment/lib"
}

# Libraries that the programs and modules in $1 need, as a list of dependencies.
shlibs() {
	mkdir -p "$work/shlibs/debian"
	printf 'Source: rtpengine\n\nPackage: rtpengine\nArchitecture: any\n' > "$work/shlibs/debian/control"
	# shellcheck disable=SC2046 # a list of files without blanks
	(cd "$work/shlibs" && dpkg-shlibdeps -O --ignore-missing-info $(find "$1" -name '*.so' -o -name '*.so.*')) 2>/dev/null |
		sed -n 's/^shlibs:Depends=//p'
}

# The package $1 out of the tree in $work/$1.
pack() {
	tree=$work/$1
	mkdir -p "$tree/DEBIAN" "$tree/usr/share/doc/$1"
	install -m 644 packaging/copyright "$tree/usr/share/doc/$1/copyright"
	printf '%s (%s) unstable; urgency=medium\n\n  * Release %s.\n\n -- %s  %s\n' rtpengine "$version" "$version" \
		"$maintainer" "$(date -R -u -d "@$SOURCE_DATE_EPOCH")" | gzip -9n > "$tree/usr/share/doc/$1/changelog.gz"
	mkdir -p "$tree/usr/share/lintian/overrides"
	sed "s|@PACKAGE@|$1|" packaging/lintian-overrides > "$tree/usr/share/lintian/overrides/$1"
	libraries=$(shlibs "$tree")
	for file in packaging/"$1"/*; do
		sed -e "s|@VERSION@|$version|g" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@MAINTAINER@|$maintainer|" \
			-e "s|@PYTHON@|3.$minor|" -e "s|@NEXT_PYTHON@|3.$((minor + 1))~|" \
			-e "s|@SHLIBS@|${libraries:-libc6}|" "$file" > "$tree/DEBIAN/$(basename "$file")"
	done
	(cd "$tree" && find etc -type f 2>/dev/null | sed 's|^|/|' | sort > DEBIAN/conffiles || true)
	[ -s "$tree/DEBIAN/conffiles" ] || rm -f "$tree/DEBIAN/conffiles"
	printf 'Installed-Size: %s\n' "$(du -ks --exclude=DEBIAN "$tree" | cut -f1)" >> "$tree/DEBIAN/control"
	(cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
	chmod 755 "$tree"/DEBIAN/post* "$tree"/DEBIAN/pre* 2>/dev/null || true
	find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group -Zxz -b "$tree" "$out" >/dev/null
}

# A page of the manual, from standard input, to $1.
page() {
	mkdir -p "$(dirname "$1")"
	gzip -9n > "$1"
}

daemon() {
	tree=$work/rtpengined
	make -s install DESTDIR="$tree" PREFIX=/usr/lib/rtpengine SYSTEM_PYTHON="$python" >/dev/null
	rm -rf "$tree/usr/bin/rtpengine-ctl" "$tree/usr/share/man" "$tree/usr/share/bash-completion" \
		"$tree/usr/share/zsh" "$tree/usr/share/fish" "$tree/etc/modprobe.d"
	"$tree/usr/lib/rtpengine/bin/python" -m controlplane.config.manual | page "$tree/usr/share/man/man8/rtpengine.8.gz"
	tidy "$tree" /usr/lib/rtpengine
	rm -f "$tree/usr/lib/rtpengine/bin/rtpengine-ctl"
}

client() {
	tree=$work/rtpengine-ctl
	"$python" -m venv "$tree/usr/lib/rtpengine-ctl"
	"$tree/usr/lib/rtpengine-ctl/bin/python" -m pip install -q --disable-pip-version-check wheel 'setuptools<80' \
		"$(sed -n 's/^    typer/typer/p' setup.cfg | tr -d ' ')" \
		"$(sed -n 's/^    python-iptables/python-iptables/p' setup.cfg | tr -d ' ')"
	site=lib/python3.$minor/site-packages
	cp -r ctl "$tree/usr/lib/rtpengine-ctl/$site/"
	"$tree/usr/lib/rtpengine-ctl/bin/python" -m ctl.manual | page "$tree/usr/share/man/man8/rtpengine-ctl.8.gz"
	install -D -m 644 etc/completion/rtpengine-ctl.bash "$tree/usr/share/bash-completion/completions/rtpengine-ctl"
	install -D -m 644 etc/completion/_rtpengine-ctl "$tree/usr/share/zsh/vendor-completions/_rtpengine-ctl"
	install -D -m 644 etc/completion/rtpengine-ctl.fish "$tree/usr/share/fish/vendor_completions.d/rtpengine-ctl.fish"
	tidy "$tree" /usr/lib/rtpengine-ctl
	mkdir -p "$tree/usr/bin"
	printf '#!/usr/lib/rtpengine-ctl/bin/python -P\nfrom ctl.__main__ import main\n\nmain()\n' \
		> "$tree/usr/bin/rtpengine-ctl"
	chmod 755 "$tree/usr/bin/rtpengine-ctl"
}

module() {
	make -s -C kmod dkms-install DESTDIR="$work/rtpengine-dkms" >/dev/null
	install -D -m 644 etc/modprobe.d/rtpengine.conf "$work/rtpengine-dkms/etc/modprobe.d/rtpengine.conf"
	install -D -m 644 etc/modules-load.d/rtpengine.conf "$work/rtpengine-dkms/etc/modules-load.d/rtpengine.conf"
}

extension() {
	make -s -C kmod iptables-install DESTDIR="$work/rtpengine-xtables" >/dev/null
	strip --strip-unneeded "$work"/rtpengine-xtables/usr/lib/*/xtables/*.so
}

for package in "$@"; do
	case $package in
	rtpengined) daemon ;;
	rtpengine-ctl) client ;;
	rtpengine-dkms) module ;;
	rtpengine-xtables) extension ;;
	*) echo "deb.sh: unknown package $package" >&2; exit 2 ;;
	esac
	pack "$package"
done
rm -rf "$work"
ls -1 "$out"/*.deb
