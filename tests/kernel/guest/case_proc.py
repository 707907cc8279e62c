# SPDX-License-Identifier: GPL-3.0-or-later
"""The files below /proc/rtpengine: names, modes, the life of tables, every error."""
import errno
import os
import stat
import subprocess

from tests.kernel.guest.abi import Control
from tests.kernel.guest.net import sh
from tests.kernel.guest.tables import MAIN, command, error, table

ROOT = "/proc/rtpengine"


def mode(path: str) -> int:
    """Permission bits."""
    return stat.S_IMODE(os.stat(path).st_mode)


def text(path: str) -> str:
    """A file's content."""
    with open(path, encoding="ascii") as f:
        return f.read()


def after_load() -> None:
    """Two files, no table."""
    assert sorted(os.listdir(ROOT)) == ["control", "list"]
    assert text(f"{ROOT}/list") == ""
    assert (mode(ROOT), mode(MAIN), mode(f"{ROOT}/list")) == (0o555, 0o220, 0o444)
    assert error(lambda: os.read(os.open(MAIN, os.O_RDWR), 10)) == "EIO"


def files_of_a_table() -> None:
    """What add makes and del removes."""
    assert command("add 42\n") == 7
    assert text(f"{ROOT}/list") == "42\n"
    modes = {name: mode(f"{ROOT}/42/{name}") for name in os.listdir(f"{ROOT}/42")}
    assert modes == {"blist": 0o444, "calls": 0o555, "control": 0o660, "list": 0o440, "status": 0o444}, modes
    assert mode(f"{ROOT}/42") == 0o555
    assert text(f"{ROOT}/42/list") == ""
    assert command("add 42\n") == -errno.EEXIST
    assert command("del 43\n") == -errno.ENOENT
    assert command("del 42\n") == 7
    assert not os.path.exists(f"{ROOT}/42")
    assert command("del 42\n") == -errno.ENOENT


def command_syntax() -> None:
    """What is a command and what is not."""
    bad = ["add 7", "", "x", "add 64\n", "add -1\n", "add x\n", "foo 1\n", "ADD 1\n", "add  3\n", " add 3\n",
           "add\t3\n", "add 4294967296\n", "add 18446744073709551616", "add 99999999\n", "addd 1\n",
           "kill 1\n", "del \n\n\n", "add 1" + " " * 16]
    for line in bad:
        assert command(line) == -errno.EINVAL, line
    assert text(f"{ROOT}/list") == ""
    good = [("add 12", 12), ("add 5xyz", 5), ("add 07\n", 7), ("add 9\nadd 10\n", 9), ("add 0\n", 0),
            ("add 63\0\n", 63), ("add 11" + "\n" * 14, 11)]
    for line, number in good:
        assert command(line) == len(line), line
        assert os.path.isdir(f"{ROOT}/{number}"), line
    assert text(f"{ROOT}/list") == "0\n5\n7\n9\n11\n12\n63\n"
    for _, number in good:
        assert command(f"del {number}\n") > 0


def bad_pointer() -> None:
    """A pointer outside the process."""
    probe = ("import ctypes,os,sys;c=ctypes.CDLL(None,use_errno=True);f=os.open(sys.argv[1],os.O_WRONLY);"
             "r=c.write(f,ctypes.c_void_p(8),ctypes.c_size_t(int(sys.argv[2])));print(r,ctypes.get_errno())")
    with table(3):
        for path, size in ((MAIN, 8), (f"{ROOT}/3/control", 64)):
            done = subprocess.run(["/usr/bin/python3", "-c", probe, path, str(size)], capture_output=True, text=True,
                                  check=True)
            assert done.stdout == f"-1 {errno.EFAULT}\n", (path, done.stdout)


def all_tables() -> None:
    """64 of them, and the listing in order."""
    for number in reversed(range(64)):
        assert command(f"add {number}\n") > 0
    assert text(f"{ROOT}/list") == "".join(f"{n}\n" for n in range(64))
    for number in range(64):
        assert command(f"del {number}\n") > 0


def one_owner() -> None:
    """A second open is refused; duplicates keep the table; closing the last frees it."""
    with table(42):
        path = f"{ROOT}/42/control"
        for first in (os.O_RDWR, os.O_RDONLY, os.O_WRONLY):
            fd = os.open(path, first)
            for second in (os.O_RDWR, os.O_RDONLY, os.O_WRONLY):
                assert error(lambda flags=second: os.open(path, flags)) == "EBUSY"     # type: ignore[misc]
            status = text(f"{ROOT}/42/status")
            assert f"Control PID: {os.getpid()}\n" in status and "Opencount:   1\n" in status, status
            assert command("del 42\n") == -errno.EBUSY
            twin = os.dup(fd)
            os.close(fd)
            assert error(lambda: os.open(path, os.O_RDWR)) == "EBUSY"
            os.close(twin)
            assert text(f"{ROOT}/42/status") == \
                "Refcount:    1\nControl PID: 0\nOpencount:   0\nTargets:     0\nHooks:      \n" \
                "Calls:       0\nStreams:     0\nLost copies: 0\n"
    assert error(lambda: os.open(f"{ROOT}/42/control", os.O_RDWR)) == "ENOENT"


def held_over_del() -> None:
    """list, blist and status held open do not keep a table; afterwards they give EIO."""
    assert command("add 8\n") > 0
    held = [os.open(f"{ROOT}/8/{name}", os.O_RDONLY) for name in ("list", "blist", "status")]
    for fd in held:
        os.read(fd, 4096)
        os.lseek(fd, 0, os.SEEK_SET)
    assert command("del 8\n") > 0
    for fd in held:
        assert error(lambda fd=fd: os.read(fd, 4096)) == "EIO"      # type: ignore[misc]
        os.close(fd)
    with table(8):      # the number is free at once
        Control(8).close()


def rights() -> None:
    """CAP_NET_ADMIN is needed besides the file modes; others may read what is no secret."""
    weak = "setpriv --bounding-set=-net_admin --inh-caps=-net_admin"
    user = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    with table(4):
        for who, what in ((weak, "Operation not permitted"), (user, "Permission denied")):
            for path in (MAIN, f"{ROOT}/4/control"):
                out = sh(f"{who} sh -c 'echo add 5 >{path}' 2>&1", check=False)
                assert what in out, (who, path, out)
        assert "Permission denied" in sh(f"{user} cat {ROOT}/4/list", check=False)
        assert "Targets" in sh(f"{user} cat {ROOT}/4/status")
        sh(f"{user} cat {ROOT}/4/blist {ROOT}/list")
    assert not os.path.exists(f"{ROOT}/5")


def unload_refused() -> None:
    """A table keeps the module; refused opens before do not."""
    with table(1):
        fd = os.open(f"{ROOT}/1/control", os.O_RDWR)
        for _ in range(3):
            assert error(lambda: os.open(f"{ROOT}/1/control", os.O_RDWR)) == "EBUSY"
        os.close(fd)
        assert "in use" in sh("rmmod xt_RTPENGINE", check=False)
        assert text(f"{ROOT}/list") == "1\n"
    reload()


def reload(parameters: str = "") -> None:
    """Unloads and loads again."""
    sh(f"rmmod xt_RTPENGINE && insmod {os.environ['RTPE_MODULE']} {parameters}")


def parameters() -> None:
    """Owner and mode of the entries."""
    reload("proc_uid=1000 proc_gid=1001 proc_mask=0x5 log_errors=1")
    with table(2):
        for path in (ROOT, MAIN, f"{ROOT}/list", f"{ROOT}/2", f"{ROOT}/2/control", f"{ROOT}/2/blist"):
            st = os.stat(path)
            assert (st.st_uid, st.st_gid) == (1000, 1001), path
        assert mode(f"{ROOT}/2") == 0o550
        assert mode(f"{ROOT}/2/status") == 0o444
    reload("proc_mask=0777")
    with table(2):
        assert mode(f"{ROOT}/2") == 0
    reload()


def files_open_over_unload() -> None:
    """The top files do not keep the module, and are dead afterwards."""
    fd = os.open(f"{ROOT}/list", os.O_RDONLY)
    sh("rmmod xt_RTPENGINE")
    assert not os.path.exists(ROOT)
    assert error(lambda: os.read(fd, 10)) == "EIO"
    os.close(fd)
    sh(f"insmod {os.environ['RTPE_MODULE']}")


def aliases() -> None:
    """The names that iptables asks modprobe for."""
    found = sh(f"modinfo -F alias {os.environ['RTPE_MODULE']}").split()
    assert sorted(found) == ["ip6t_RTPENGINE", "ipt_RTPENGINE"], found
    assert sh(f"modinfo -F license {os.environ['RTPE_MODULE']}").strip() == "GPL"
