# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian of its own below a folder: as a chroot, or with systemd as its first process."""
from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tests.peers.netns import Namespace

SUITE = "bookworm"
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
Result = TypeVar("Result")
_UNIFIED = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
_BOOT = """
mount --make-rprivate / && mount --bind {root} {root} && cd {root}
mount -t proc proc proc && mount -t sysfs sysfs sys && mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run && mount -t tmpfs -o mode=755 tmpfs dev && mkdir dev/pts dev/shm
for name in null zero full random urandom tty; do touch dev/$name && mount --bind /dev/$name dev/$name; done
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts && ln -s pts/ptmx dev/ptmx && ln -s /proc/self/fd dev/fd
mkdir -p old && pivot_root . old && umount -l old
exec env -i container=lxc PATH={path} /lib/systemd/systemd --system --show-status=no --unit=multi-user.target
"""


def fresh(path: Path, *packages: str) -> None:
    """Make a minimal Debian with ``packages`` below ``path``, which uses the servers that this host uses."""
    done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(path),
                           "http://deb.debian.org/debian"], capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for conf in Path("/etc/apt/apt.conf.d").glob("*"):      # a proxy, if this host needs one
        if "Acquire" in conf.read_text():
            shutil.copy(conf, path / "etc/apt/apt.conf.d" / conf.name)
    shutil.copy("/etc/resolv.conf", path / "etc/resolv.conf")


class Root:
    """A Debian below ``path``."""

    def __init__(self, path: Path):
        self.path = path

    def command(self, words: Sequence[str]) -> list[str]:
        """``words`` inside, with /proc, as its own mount namespace."""
        inside = "mount -t proc proc {0}/proc && mount --rbind /dev {0}/dev && exec chroot {0} {1}".format(
            shlex.quote(str(self.path)), shlex.join(words))
        return ["unshare", "--mount", "sh", "-c", inside]

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.command(words), capture_output=True, text=True, timeout=1200,
                              env={**os.environ, **QUIET})
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    def named_rtpengine(self) -> set[str]:
        """Every file whose name is ours, but for the packages themselves and what apt and dpkg remember."""
        found = self.run("find", "/", "-xdev", "-iname", "*rtpengine*", "-not", "-path", "/packages/*").stdout.split()
        return {name for name in found if not name.startswith(("/proc", "/dev", "/var/cache", "/var/lib/apt"))}


class Machine:
    """A Debian that systemd runs, with a network that is ``space``."""

    def __init__(self, path: Path, space: Namespace):
        self.space = space
        self._group = Path(_unified()) / f"rtpengine-{os.getpid()}"
        self._group.mkdir()
        script = _BOOT.format(root=shlex.quote(str(path)), path=QUIET["PATH"])
        words = space.command(["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child",
                               "sh", "-ec", script])
        enter = f"echo $$ > {shlex.quote(str(self._group))}/cgroup.procs && exec {shlex.join(words)}"
        self._process = subprocess.Popen(["sh", "-c", enter], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        try:
            self._first = self.until(self._first_process, "systemd")
            self.until(lambda: self.run("systemctl", "is-system-running", check=False).stdout in (
                "running\n", "degraded\n"), "the boot")
        except BaseException:
            self.close()
            raise

    def _first_process(self) -> int:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        first = int(children[0]) if children else 0
        return first if first and Path(f"/proc/{first}/comm").read_text() == "systemd\n" else 0

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(["nsenter", "-t", str(self._first), "-a", *words], capture_output=True, text=True,
                              timeout=600, env={**os.environ, **QUIET})
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    def until(self, condition: Callable[[], Result], what: str, patience: float = 120.0) -> Result:
        """What ``condition`` says as soon as it is true."""
        deadline = time.monotonic() + patience
        while True:
            with contextlib.suppress(OSError):
                if found := condition():
                    return found
            assert time.monotonic() < deadline and self._process.poll() is None, f"waited in vain for {what}"
            time.sleep(0.1)

    def close(self) -> None:
        self._process.kill()        # and with it, by --kill-child, everything inside
        self._process.wait()
        deadline = time.monotonic() + 60
        while "populated 1" in (self._group / "cgroup.events").read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        for folder in sorted(self._group.rglob("*/"), reverse=True):
            folder.rmdir()
        self._group.rmdir()


def _unified() -> str:
    """Where the unified hierarchy of control groups is; empty if there is none."""
    return next((each for each in _UNIFIED if os.access(f"{each}/cgroup.procs", os.W_OK)
                 and Path(f"{each}/cgroup.controllers").exists()), "")


def bootable() -> str:
    """Empty if systemd can run inside, else the reason why not."""
    return "" if _unified() else "no unified hierarchy of control groups"
