# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator reads when the kernel's table cannot be had. The table itself is tested on a real kernel."""
import errno
import logging

import pytest

from controlplane.dataplane import selector
from controlplane.dataplane.kernel import KernelError, KernelTable
from controlplane.errors import ConfigError


def test_missing_module_names_cause_and_cure(tmp_path):
    with pytest.raises(KernelError) as caught:
        KernelTable(0, proc=tmp_path / "rtpengine")
    assert caught.value.errno == errno.ENOENT
    assert "xt_RTPENGINE is not loaded" in caught.value.cause
    assert "modprobe xt_RTPENGINE" in caught.value.cure


@pytest.fixture
def refusing(monkeypatch):
    """Makes every write to the module's control file fail with the given error."""
    def install(number, after="del"):
        def write(self, line):
            if line.startswith(after):
                raise OSError(number, "")
        monkeypatch.setattr(KernelTable, "_write_main", write)
    return install


@pytest.mark.parametrize("number, cause, cure", [
    (errno.EBUSY, "belongs to the process 4711", "another table than --table=5"),
    (errno.EACCES, "no permission", "CAP_NET_ADMIN"),
    (errno.EPERM, "no permission", "CAP_NET_ADMIN"),
    (errno.ENOMEM, "Cannot allocate memory", "dmesg"),
])
def test_refusals(tmp_path, refusing, number, cause, cure):
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "status").write_text("Refcount:    1\nControl PID: 4711\nTargets:     0\n")
    refusing(number)
    with pytest.raises(KernelError) as caught:
        KernelTable(5, proc=tmp_path)
    assert cause in caught.value.cause
    assert cure in caught.value.cure


def test_table_left_by_a_dead_daemon_is_deleted_first(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(KernelTable, "_write_main", lambda self, line: written.append(line))
    with pytest.raises(KernelError):    # there is no control file to open after that
        KernelTable(7, proc=tmp_path)
    assert written == ["del 7\n", "add 7\n"]


def test_fallback_logs_the_known_line_then_cause_and_cure(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(selector, "KernelTable", lambda number: KernelTable(number, proc=tmp_path / "none"))
    with caplog.at_level(logging.ERROR, "rtpengine.core"):
        assert selector.kernel_table(0, required=False) is None
    assert caplog.messages[0] == ("FAILED TO CREATE KERNEL TABLE 0 (No such file or directory), "
                                  "KERNEL FORWARDING DISABLED")
    assert "modprobe xt_RTPENGINE" in caplog.messages[1]


def test_no_fallback_refuses_to_start(tmp_path, monkeypatch):
    monkeypatch.setattr(selector, "KernelTable", lambda number: KernelTable(number, proc=tmp_path / "none"))
    with pytest.raises(ConfigError, match="no-fallback.*not loaded"):
        selector.kernel_table(0, required=True)
