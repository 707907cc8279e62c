# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator reads when the kernel's table cannot be had. The table itself is tested on a real kernel."""
import errno
import logging

import pytest

from controlplane.dataplane import abi, selector
from controlplane.dataplane.kernel import KernelError, KernelTable
from controlplane.errors import ConfigError
from controlplane.relay._native import lib


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


def test_table_to_adopt_is_not_deleted(tmp_path, monkeypatch):
    written = []

    def write(self, line):
        written.append(line)
        raise OSError(errno.EEXIST, "")
    monkeypatch.setattr(KernelTable, "_write_main", write)
    with pytest.raises(KernelError):
        KernelTable(7, proc=tmp_path, adopt=True)
    assert written == ["add 7\n"]


def test_fallback_logs_the_known_line_then_cause_and_cure(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(selector, "KernelTable", lambda number, adopt: KernelTable(number, proc=tmp_path / "none"))
    with caplog.at_level(logging.ERROR, "rtpengine.core"):
        assert selector.kernel_table(0, required=False) is None
    assert caplog.messages[0] == ("FAILED TO CREATE KERNEL TABLE 0 (No such file or directory), "
                                  "KERNEL FORWARDING DISABLED")
    assert "modprobe xt_RTPENGINE" in caplog.messages[1]


def test_no_fallback_refuses_to_start(tmp_path, monkeypatch):
    monkeypatch.setattr(selector, "KernelTable", lambda number, adopt: KernelTable(number, proc=tmp_path / "none"))
    with pytest.raises(ConfigError, match="no-fallback.*not loaded"):
        selector.kernel_table(0, required=True)


@pytest.fixture
def hooked(monkeypatch):
    """A table whose module answers each ADD_HOOK with the given error, and the records it got."""
    def answering(number):
        table = KernelTable.__new__(KernelTable)
        sent = []

        def command(batch):
            sent.append(bytes(batch))
            return abi.REPLY.pack(lib.RTPE_ADD_HOOK, -number, abi.REPLY.size, 0)
        table.command = command
        return table, sent
    return answering


def test_devices_are_hooked_by_name(hooked):
    table, sent = hooked(0)
    selector.hook_devices(table, ("eth0", "bond0.100"))
    assert [batch[-16:] for batch in sent] == [b"eth0".ljust(16, b"\0"), b"bond0.100".ljust(16, b"\0")]


@pytest.mark.parametrize("device, number, says", [
    ("eth9", errno.ENODEV, "no such network device"),
    ("eth9", errno.EOPNOTSUPP, "CONFIG_NETFILTER_INGRESS"),
    ("eth9", errno.ENOMEM, "Cannot allocate memory"),
    ("a-name-that-is-too-long", 0, "no name of a network device"),
    ("", 0, "no name of a network device"),
])
def test_a_device_that_cannot_be_hooked_is_a_configuration_error(hooked, device, number, says):
    table, _ = hooked(number)
    with pytest.raises(ConfigError, match=f"ingress-device {device}: .*{says}"):
        selector.hook_devices(table, (device,))
