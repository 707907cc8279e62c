# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands in a guest (QEMU without KVM) that sees this host's files, read-only under an overlay."""
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.kernel.clock import tsc_khz
from tests.kernel.prepare import Kernel

NO_STATUS = 125     # the guest died or was ended before the command was


@dataclass(slots=True)
class Result:
    """What a command in the guest left: its exit status, its output and the guest's kernel log."""

    status: int
    output: str
    console: str


@dataclass(slots=True)
class Guest:
    """A guest to be booted for each run(); `shares` are host folders it may write to, at the same path.

    While an `exact` one works its clock counts its instructions, 8 ns each, whatever else the host does; for one CPU.
    """

    kernel: Kernel
    cpus: int = 1
    memory_mb: int = 1024
    timeout: float = 1800.0
    cpu: str = "max"
    exact: bool = False
    shares: tuple[Path, ...] = ()
    qemu_args: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *argv: str, cwd: Path | None = None) -> Result:
        """Boots, runs argv as root and waits for the end; status NO_STATUS when the guest did not live to tell."""
        job = Path(tempfile.mkdtemp(prefix="rtpe-guest-"))
        try:
            (job / "run").write_text(self._script(argv, cwd or Path.cwd()))
            self._boot(job)
            return self._result(job)
        finally:
            shutil.rmtree(job, ignore_errors=True)

    def _script(self, argv: tuple[str, ...], cwd: Path) -> str:
        lines = ["export HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        lines += [f"export {k}={shlex.quote(v)}" for k, v in self.environment.items()]
        options = "trans=virtio,version=9p2000.L,msize=262144,cache=none"
        for n, share in enumerate(self.shares):
            lines.append(f"mkdir -p {shlex.quote(str(share))}")
            lines.append(f"mount -t 9p -o {options} share{n} {shlex.quote(str(share))}")
        lines.append(f"cd {shlex.quote(str(cwd))} && exec {shlex.join(argv)}")
        return "\n".join(lines) + "\n"

    def _boot(self, job: Path) -> None:
        command = ["timeout", "-k", "2", str(self.timeout), *self._qemu(job), *self.qemu_args]
        with open(job / "qemu", "wb") as log:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)

    def _qemu(self, job: Path) -> list[str]:
        append = ("console=ttyS0 quiet loglevel=5 oops=panic panic=-1 nokaslr mitigations=off tsc=reliable "
                  f"random.trust_cpu=on rtpe.modules={self.kernel.root} {self.kernel.options}")
        if khz := 1_000_000 if self.exact else tsc_khz():
            append += f" tsc_early_khz={khz}"
        thread = "multi" if self.cpus > 1 else "single"
        argv = ["qemu-system-x86_64", "-accel", f"tcg,thread={thread}", "-machine", "q35,hpet=off",
                "-cpu", self.cpu, "-smp", str(self.cpus), "-m", str(self.memory_mb), "-nodefaults",
                "-no-user-config", "-display", "none", "-no-reboot", "-kernel", str(self.kernel.image),
                "-initrd", str(self.kernel.initramfs), "-serial", f"file:{job}/console", "-append", append]
        argv += ["-icount", "shift=3"] if self.exact else []
        argv += _share("host", Path("/"), "none,readonly=on")
        argv += _share("job", job, "none")
        for n, share in enumerate(self.shares):
            argv += _share(f"share{n}", share, "passthrough")
        return argv

    def _result(self, job: Path) -> Result:
        def text(name: str) -> str:
            path = job / name
            return path.read_text(errors="replace") if path.exists() else ""

        status = text("status").strip()
        console = text("console") + text("qemu")
        return Result(int(status) if status else NO_STATUS, text("output"), console)


def _share(tag: str, path: Path, security: str) -> list[str]:
    return ["-fsdev", f"local,id={tag},path={path},security_model={security},multidevs=remap",
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
