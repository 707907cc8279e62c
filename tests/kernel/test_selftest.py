# SPDX-License-Identifier: GPL-3.0-or-later
"""A debug build is loaded only if its ciphers give the known answers."""
from pathlib import Path

import pytest

from tests.kernel.build import copy_sources, run
from tests.kernel.conftest import prepared
from tests.kernel.prepare import Kernel
from tests.kernel.test_guest import LATER
from tests.kernel.vm import Guest

ANSWER = '"libsrtp RTP"'
LAST_BYTES = "9b8dbb"


def _debug_module(kernel: Kernel, to: Path, spoiled: bool) -> Path:
    """A debug build; `spoiled` expects another tag of the libsrtp packet."""
    source = copy_sources(to)
    vectors = source / "selftest" / "vectors.c"
    text = vectors.read_text(encoding="ascii")
    assert text.count(LAST_BYTES) == 1 and ANSWER in text
    if spoiled:
        vectors.write_text(text.replace(LAST_BYTES, "9b8dba"), encoding="ascii")
    run("make", "module", f"KERNELRELEASE={kernel.release}", f"KERNELDIR={kernel.headers}", "RTPE_DEBUG=y", cwd=source)
    return source / "xt_RTPENGINE.ko"


@pytest.mark.kernel
@pytest.mark.timeout(2000)
@pytest.mark.parametrize(("meta", "cpu"), [("", "max"), ("", "qemu64"), (LATER, "max")])
def test_wrong_answer_refuses_the_load(tmp_path: Path, meta: str, cpu: str) -> None:
    """With vector instructions and without: right answers load, a wrong one is named and refused."""
    kernel = prepared(meta)
    good = _debug_module(kernel, tmp_path / "good", spoiled=False)
    bad = _debug_module(kernel, tmp_path / "bad", spoiled=True)
    script = (f"modprobe x_tables; insmod {good} && rmmod xt_RTPENGINE && echo loaded; insmod {bad}; "
              "dmesg | grep xt_RTPENGINE:")
    result = Guest(kernel, cpu=cpu, timeout=1800).run("/bin/sh", "-c", script)
    assert result.output.count("loaded\n") == 1, result.output + result.console[-3000:]
    assert "self-test failed, not loaded: libsrtp RTP" in result.output
    assert f"could not insert module {bad}" in result.output
