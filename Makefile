# SPDX-License-Identifier: GPL-3.0-or-later
# make demo   a call through the proxy, with what it needs installed first
# make test   all tests
# make help   the rest

VENV := .venv
PY := $(VENV)/bin/python
SYSTEM_PYTHON ?= /usr/bin/python3
PIP_INSTALL := -m pip install -q --disable-pip-version-check
BUILD_TOOLS := wheel 'setuptools<80' 'cffi>=1.17' 'cython>=3' 'mypy>=1.13'
PREFIX ?= /opt/rtpengine
DESTDIR ?=
PYTEST ?= $(PY) -m pytest
# Dialogues recorded with other implementations, for those who have them; without them their tests are skipped.
RTPENGINE_VECTORS ?= $(abspath $(wildcard ../shared/vectors))
export RTPENGINE_VECTORS

INSTALLED := /usr/bin/rtpengine /usr/bin/rtpengine-ctl /lib/systemd/system/rtpengine.service \
	/usr/lib/sysusers.d/rtpengine.conf /usr/lib/tmpfiles.d/rtpengine.conf /etc/modprobe.d/rtpengine.conf \
	/etc/modules-load.d/rtpengine.conf /usr/share/man/man8/rtpengine.8 \
	/usr/share/man/man8/rtpengine-ctl.8 /usr/share/bash-completion/completions/rtpengine-ctl \
	/usr/share/zsh/vendor-completions/_rtpengine-ctl /usr/share/fish/vendor_completions.d/rtpengine-ctl.fish \
	/usr/share/rtpengine

RELAY_SOURCES := $(wildcard controlplane/relay/*.[ch] controlplane/relay/build.py kmod/core/*.[ch] kmod/uapi/*.h)

# COMPILE=0 installs the modules as they are: two minutes sooner, and slower at work.
COMPILE ?= 1
COMPILED := build/compiled
PYTHON_SOURCES := $(shell find controlplane ctl -name '*.py')
# Python that finds the compiled modules, and everything else in its place.
PY_COMPILED := RTPENGINE_COMPILED=1 PYTHONPATH=$(abspath $(COMPILED)):$(CURDIR) $(PY) -P

.PHONY: all help venv relay compiled kmod libxt demo run test style types check check-unit check-compiled check-core \
	check-netns check-kernel check-kernel-debug check-e2e attack failover bench bench-kernel fuzz differential install \
	uninstall dkms root deb check-deb churn clean

all: relay kmod

help:
	@echo 'make demo           place a call through the proxy and show it'
	@echo 'make run            the daemon in the foreground, with defaults'
	@echo 'make test           style, types and all tests (QEMU and Kamailio included; about half an hour)'
	@echo 'make check-unit     unit tests alone; also check-core, check-netns, check-kernel, check-e2e'
	@echo 'make check-kernel-debug   the kernel module in a kernel that finds mistakes (an hour)'
	@echo 'make compiled       the daemon as make install makes it, in $(COMPILED) (two minutes)'
	@echo 'make attack         attacks on calls with 50 packets each, and the exact number that each wins (an hour)'
	@echo 'make churn          200,000 short calls of every kind and 20,000 targets in the kernel, and what stays (half an hour)'
	@echo 'make failover       moves calls between two nodes a hundred times, which make test does three times'
	@echo 'make bench          speed beside the reference daemon and a minimal relay'
	@echo 'make bench-kernel   instructions per packet of the module, beside the reference module'
	@echo 'make fuzz           the fuzz targets, a minute each, and random examples for the unit tests'
	@echo 'make differential   10,000 random calls, here and on the reference daemon'
	@echo 'make kmod           the kernel module and the iptables extension'
	@echo 'make dkms           install the module with DKMS, and the iptables extension'
	@echo 'make deb            Debian packages, in build/deb (three minutes); check-deb also installs them in a fresh Debian'
	@echo 'make install        daemon, rtpengine-ctl, service and example configuration below PREFIX=$(PREFIX)'
	@echo 'make uninstall clean'

# The environment is rebuilt when its description changes, the C parts when they do.
$(VENV)/ready: setup.cfg setup.py
	tools/packages.sh build
	$(SYSTEM_PYTHON) -m venv $(VENV)
	$(PY) $(PIP_INSTALL) $(BUILD_TOOLS)
	$(PY) $(PIP_INSTALL) --no-build-isolation --editable '.[test]'
	touch $@

$(VENV)/relay: $(VENV)/ready $(RELAY_SOURCES)
	$(PY) controlplane/relay/build.py
	touch $@

# Made anew from nothing: a module that has gone must not stay.
$(COMPILED)/ready: $(VENV)/relay $(PYTHON_SOURCES) controlplane/ng/bencode.c
	rm -rf $(COMPILED)
	RTPENGINE_COMPILE=1 $(PY) setup.py -q build --build-lib $(COMPILED) --build-temp build/temp
	touch $@

venv: $(VENV)/ready
relay: $(VENV)/relay
compiled: $(COMPILED)/ready

# For the running kernel if its headers can be had, else for the newest kernel that has them.
kmod:
	tools/packages.sh module
	release=$$(tools/kernel.sh) && $(MAKE) -C kmod all KERNELRELEASE="$$release"

demo: $(VENV)/relay
	tools/packages.sh demo
	$(PY) -m demo

# Media on all addresses of the host, or on loopback if it has no other; ARGS are further options.
run: $(VENV)/relay
	@exec $(PY) -m controlplane --config-file=none --foreground --log-stderr --table=0 \
		--interface=$${INTERFACE:-$$([ -n "$$(hostname -I)" ] && echo any || echo 127.0.0.1)} \
		--listen-ng=127.0.0.1:2223 --listen-cli=127.0.0.1:9900 $(ARGS)

style: $(VENV)/ready
	$(PY) -m flake8 controlplane ctl demo tests setup.py

types: $(VENV)/ready
	$(PY) -m mypy
	RTPENGINE_COMPILE=1 $(PY) setup.py -q --version >/dev/null    # what can be compiled is stricter

# A test that fails is tried once more, because a busy host may stop its programs at any place. The summary names it
# (RERUN): it is a fault to find, of the test or of what it tests.
AGAIN = --reruns=1
test: $(VENV)/relay
	tools/packages.sh module demo test
	$(MAKE) style types check-compiled
	$(PYTEST) -n 2 $(AGAIN)

check: test
check-unit: $(VENV)/relay
	$(PYTEST) tests/unit tests/property
# The tests of the compiled modules alone; what goes through them is tested as it stands in the tree.
check-compiled: $(COMPILED)/ready
	$(PY_COMPILED) -m pytest -q --import-mode=append $(AGAIN) tests/property \
		$(addprefix tests/unit/,test_compiled.py test_proxy.py ng sdp session ports dataplane report ice srtp dtls)
check-core: $(VENV)/relay
	tools/packages.sh test
	$(PYTEST) tests/core tests/engines
check-netns: $(VENV)/relay
	tools/packages.sh test
	$(PYTEST) tests/netns
check-kernel: $(VENV)/relay
	tools/packages.sh module test
	$(PYTEST) tests/kernel
# All cases and long storms in a kernel with KASAN, lockdep, kmemleak and fault injection, which is built first (ten
# minutes, once); ARGS are further options. What checkpatch says comes with that kernel's sources.
check-kernel-debug: $(VENV)/relay
	tools/packages.sh module test
	$(PY) -m tests.kernel.debug $(ARGS)
	$(PY) -m tests.kernel.debug.style
check-e2e: $(VENV)/relay
	tools/packages.sh demo test
	$(PYTEST) tests/e2e tests/conformance

# What make test does with five packets each.
attack: $(VENV)/relay
	tools/packages.sh module test
	RTPENGINE_ATTACK_PACKETS=50 $(PYTEST) tests/attack --timeout=300

churn: $(COMPILED)/ready
	nice $(PY) -m tests.churn $(ARGS)

# What make test does three times.
failover: $(VENV)/relay
	tools/packages.sh test
	RTPENGINE_FAILOVERS=100 $(PYTEST) tests/e2e/test_failover.py

bench: $(COMPILED)/ready
	tools/packages.sh module demo test
	$(PY) -m tests.bench $(ARGS)

bench-kernel: $(VENV)/relay
	tools/packages.sh module test
	$(PY) -m tests.bench --only=kernel $(ARGS)

fuzz: $(VENV)/relay
	tools/packages.sh test
	RTPENGINE_EXAMPLES=random $(PYTEST) tests/property tests/unit
	RTPENGINE_FUZZ_SECONDS=60 $(PYTEST) tests/core tests/fuzz -k fuzz

differential: $(VENV)/relay
	tools/packages.sh test
	nice $(PY) -m tests.differential $(ARGS)

# For the running kernel, and by itself for every later one.
dkms: root
	tools/packages.sh module dkms
	$(MAKE) -C kmod dkms-install iptables-install
	install -D -m 644 etc/modprobe.d/rtpengine.conf $(DESTDIR)/etc/modprobe.d/rtpengine.conf
	install -D -m 644 etc/modules-load.d/rtpengine.conf $(DESTDIR)/etc/modules-load.d/rtpengine.conf
	[ -n "$(DESTDIR)" ] || tools/dkms.sh install

# rtpengined, rtpengine-ctl, rtpengine-dkms and rtpengine-xtables.
deb:
	tools/packages.sh build module deb
	tools/deb.sh build/deb

check-deb: deb $(VENV)/relay
	tools/packages.sh test
	RTPENGINE_DEB=$(abspath build/deb) $(PYTEST) tests/packaging

root:
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" = 0 ] || { echo 'this changes the system: run it with sudo' >&2; exit 1; }

# A virtual environment of its own below PREFIX, so that no system Python package is touched.
install: root
	@for program in rtpengine rtpengine-ctl; do \
		[ -L $(DESTDIR)/usr/bin/$$program ] || [ ! -e $(DESTDIR)/usr/bin/$$program ] || \
			{ echo "/usr/bin/$$program belongs to another package: remove that first" >&2; exit 1; }; done
	tools/packages.sh build
	rm -rf build/lib.* build/bdist.*
	$(SYSTEM_PYTHON) -m venv $(DESTDIR)$(PREFIX)
	$(DESTDIR)$(PREFIX)/bin/python $(PIP_INSTALL) $(BUILD_TOOLS)
	RTPENGINE_COMPILE=$(COMPILE) $(DESTDIR)$(PREFIX)/bin/python $(PIP_INSTALL) --no-build-isolation .
	[ -z "$(DESTDIR)" ] || sed -i '1s|^#!$(DESTDIR)|#!|' $(DESTDIR)$(PREFIX)/bin/rtpengine*
	install -d $(DESTDIR)/usr/bin $(DESTDIR)/etc/rtpengine $(DESTDIR)/lib/systemd/system
	ln -sfn $(PREFIX)/bin/rtpengine $(DESTDIR)/usr/bin/rtpengine
	ln -sfn $(PREFIX)/bin/rtpengine-ctl $(DESTDIR)/usr/bin/rtpengine-ctl
	[ -e $(DESTDIR)/etc/rtpengine/rtpengine.conf ] || \
		install -m 644 etc/rtpengine.conf $(DESTDIR)/etc/rtpengine/rtpengine.conf
	sed 's|^ExecStart=/usr/bin/|ExecStart=$(PREFIX)/bin/|' etc/rtpengine.service \
		> $(DESTDIR)/lib/systemd/system/rtpengine.service
	install -D -m 644 etc/rtpengine.sysusers $(DESTDIR)/usr/lib/sysusers.d/rtpengine.conf
	install -D -m 644 etc/rtpengine.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/rtpengine.conf
	install -D -m 644 etc/modprobe.d/rtpengine.conf $(DESTDIR)/etc/modprobe.d/rtpengine.conf
	install -D -m 644 etc/completion/rtpengine-ctl.bash \
		$(DESTDIR)/usr/share/bash-completion/completions/rtpengine-ctl
	install -D -m 644 etc/completion/_rtpengine-ctl $(DESTDIR)/usr/share/zsh/vendor-completions/_rtpengine-ctl
	install -D -m 644 etc/completion/rtpengine-ctl.fish \
		$(DESTDIR)/usr/share/fish/vendor_completions.d/rtpengine-ctl.fish
	install -D -m 644 etc/grafana/rtpengine.json $(DESTDIR)/usr/share/rtpengine/grafana.json
	install -d $(DESTDIR)/usr/share/man/man8
	$(DESTDIR)$(PREFIX)/bin/python -m controlplane.config.manual > $(DESTDIR)/usr/share/man/man8/rtpengine.8
	$(DESTDIR)$(PREFIX)/bin/python -m ctl.manual > $(DESTDIR)/usr/share/man/man8/rtpengine-ctl.8
	@echo 'installed; next: systemd-sysusers; systemd-tmpfiles --create; systemctl daemon-reload;' \
		'systemctl enable --now rtpengine'

# The settings in /etc/rtpengine stay.
uninstall: root
	[ -n "$(DESTDIR)" ] || tools/dkms.sh remove
	rm -rf $(addprefix $(DESTDIR),$(INSTALLED)) $(DESTDIR)$(PREFIX)

clean:
	rm -rf $(VENV) build *.egg-info controlplane/relay/_native.c controlplane/relay/*.so \
		kmod/*.ko kmod/*.o kmod/*.mod kmod/*.mod.c kmod/*.so kmod/core/*.o kmod/Module.symvers kmod/modules.order
	find kmod -name '.*.cmd' -delete
