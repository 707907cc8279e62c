# SPDX-License-Identifier: GPL-3.0-or-later
# make demo   a call through the proxy, with what it needs installed first
# make test   all tests
# make help   the rest

VENV := .venv
PY := $(VENV)/bin/python
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
SYSTEM_PYTHON := $(shell [ -x /usr/bin/python3 ] && echo /usr/bin/python3 || command -v python3)
PREFIX ?= /opt/rtpengine
DESTDIR ?=
PYTEST ?= $(PY) -m pytest
RTPENGINE_VECTORS ?= $(abspath ../shared/vectors)
RTPENGINE_BENCH ?= $(abspath ../shared/bench)
export RTPENGINE_VECTORS RTPENGINE_BENCH

RELAY_SOURCES := $(wildcard controlplane/relay/*.[ch] controlplane/relay/build.py kmod/core/*.[ch] kmod/uapi/*.h)

.PHONY: all help venv relay kmod libxt demo run test style types check check-unit check-core check-netns \
	check-kernel check-e2e bench fuzz install uninstall dkms clean

all: relay kmod

help:
	@echo 'make demo           place a call through the proxy and show it'
	@echo 'make run            the daemon in the foreground, with defaults'
	@echo 'make test           style, types and all tests (QEMU and Kamailio included; about 15 minutes)'
	@echo 'make check-unit     unit tests alone; also check-core, check-netns, check-kernel, check-e2e'
	@echo 'make bench          speed beside the reference daemon and a minimal relay'
	@echo 'make fuzz           the fuzz targets, a minute each'
	@echo 'make kmod           the kernel module and the iptables extension'
	@echo 'make dkms           install the module with DKMS, and the iptables extension'
	@echo 'make install        daemon, rtpengine-ctl, service and example configuration below PREFIX=$(PREFIX)'
	@echo 'make uninstall clean'

# The environment is rebuilt when its description changes, the C parts when they do.
$(VENV)/ready: setup.cfg setup.py
	tools/packages.sh build
	$(SYSTEM_PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check wheel 'setuptools<80' 'cffi>=1.17'
	$(PY) -m pip install -q --disable-pip-version-check --no-build-isolation --editable '.[test]'
	touch $@

$(VENV)/relay: $(VENV)/ready $(RELAY_SOURCES)
	$(PY) controlplane/relay/build.py
	touch $@

venv: $(VENV)/ready
relay: $(VENV)/relay

kmod:
	tools/packages.sh module
	$(MAKE) -C kmod all

demo: $(VENV)/relay
	tools/packages.sh demo
	$(PY) -m demo

run: $(VENV)/relay
	$(PY) -m controlplane --config-file=none --foreground --log-stderr --interface=any --table=0 \
		--listen-ng=127.0.0.1:2223 --listen-cli=127.0.0.1:9900 $(ARGS)

style: $(VENV)/ready
	$(PY) -m flake8 controlplane ctl demo tests setup.py

types: $(VENV)/ready
	$(PY) -m mypy

test: $(VENV)/relay
	tools/packages.sh module demo test
	$(MAKE) style types
	$(PYTEST)

check: test
check-unit: $(VENV)/relay
	$(PYTEST) tests/unit tests/property
check-core: $(VENV)/relay
	$(PYTEST) tests/core
check-netns: $(VENV)/relay
	$(PYTEST) tests/netns
check-kernel: $(VENV)/relay
	$(PYTEST) tests/kernel
check-e2e: $(VENV)/relay
	$(PYTEST) tests/e2e tests/conformance

bench: $(VENV)/relay
	tools/packages.sh module demo test
	$(PY) -m tests.bench $(ARGS)

fuzz: $(VENV)/relay
	tools/packages.sh test
	RTPENGINE_FUZZ_SECONDS=60 $(PYTEST) tests/core tests/fuzz -k fuzz

dkms:
	tools/packages.sh module
	$(MAKE) -C kmod dkms-install

# A virtual environment of its own below PREFIX, so that no system Python package is touched.
install:
	tools/packages.sh build
	$(SYSTEM_PYTHON) -m venv $(DESTDIR)$(PREFIX)
	$(DESTDIR)$(PREFIX)/bin/python -m pip install -q --disable-pip-version-check wheel 'setuptools<80' 'cffi>=1.17'
	$(DESTDIR)$(PREFIX)/bin/python -m pip install -q --disable-pip-version-check --no-build-isolation .
	install -d $(DESTDIR)/usr/bin $(DESTDIR)/etc/rtpengine $(DESTDIR)/lib/systemd/system $(DESTDIR)/usr/lib/sysusers.d
	ln -sf $(PREFIX)/bin/rtpengine $(DESTDIR)/usr/bin/rtpengine
	ln -sf $(PREFIX)/bin/rtpengine-ctl $(DESTDIR)/usr/bin/rtpengine-ctl
	[ -e $(DESTDIR)/etc/rtpengine/rtpengine.conf ] || \
		install -m 640 etc/rtpengine.conf $(DESTDIR)/etc/rtpengine/rtpengine.conf
	install -m 644 etc/rtpengine.service $(DESTDIR)/lib/systemd/system/rtpengine.service
	install -m 644 etc/rtpengine.sysusers $(DESTDIR)/usr/lib/sysusers.d/rtpengine.conf
	@echo 'installed; next: systemd-sysusers; systemctl daemon-reload; systemctl enable --now rtpengine'

uninstall:
	rm -f $(DESTDIR)/usr/bin/rtpengine $(DESTDIR)/usr/bin/rtpengine-ctl \
		$(DESTDIR)/lib/systemd/system/rtpengine.service $(DESTDIR)/usr/lib/sysusers.d/rtpengine.conf
	rm -rf $(DESTDIR)$(PREFIX)

clean:
	rm -rf $(VENV) build *.egg-info controlplane/relay/_native.c controlplane/relay/*.so
	$(MAKE) -C kmod clean
