# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds what the guest runs, in a folder of its own so that the sources stay clean."""
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.kernel.prepare import Kernel
from tests.peers import debian

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


class BuildError(Exception):
    """A compiler's complaint."""


def run(*argv: str, cwd: Path) -> str:
    """Runs a build step; its output, or BuildError with it."""
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def copy_sources(to: Path) -> Path:
    """A copy of kmod/ below `to`; files that did not change keep their time, so that make has little to do."""
    target = to / "kmod"
    for path in [*target.rglob("*.c"), *target.rglob("*.h")]:
        if not path.name.endswith(".mod.c") and not (ROOT / "kmod" / path.relative_to(target)).exists():
            path.unlink()
    for path in (ROOT / "kmod").rglob("*"):
        copy = target / path.relative_to(ROOT / "kmod")
        if path.is_dir() or path.suffix not in (".c", ".h", ".conf", ""):
            continue
        if copy.exists() and copy.read_bytes() == path.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


@dataclass(slots=True)
class Built:
    """The module and the folder with the iptables extension."""

    module: Path
    extensions: Path

    def environment(self) -> dict[str, str]:
        """What makes iptables in the guest find the extension, and Python our packages and no reason to write."""
        system = run("pkg-config", "--variable=xtlibdir", "xtables", cwd=ROOT).strip()
        return {"XTABLES_LIBDIR": f"{self.extensions}:{system}", "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": sysconfig.get_path("purelib")}


def build(kernel: Kernel, to: Path, *options: str) -> Built:
    """Module and extension for a kernel; options are variables for make."""
    source = copy_sources(to)
    run("make", f"KERNELRELEASE={kernel.release}", f"KERNELDIR={kernel.headers}", *options, cwd=source)
    return Built(source / "xt_RTPENGINE.ko", source)


def build_reference(kernel: Kernel, to: Path) -> Path:
    """Debian's module for a kernel, from its package for dkms."""
    source = next((debian.unpack("rtpengine-kernel-dkms") / "usr/src").glob("rtpengine-*"))
    target = to / "reference"
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)
    run("make", "-C", str(kernel.headers), f"M={target}", f'RTPENGINE_VERSION="{source.name[10:]}"',
        cwd=target)
    return target / "xt_RTPENGINE.ko"


def build_counters(to: Path) -> tuple[Path, Path]:
    """The QEMU plugin that counts instructions, and the program that makes the packets."""
    to.mkdir(parents=True, exist_ok=True)
    plugin, flow = to / "plugin.so", to / "flow"
    flags = ("-O2", "-Wall", "-Wextra", "-Werror")
    run("gcc", *flags, "-shared", "-fPIC", "-fvisibility=hidden", "-o", str(plugin), "insn/plugin.c", cwd=HERE)
    run("gcc", *flags, "-o", str(flow), "insn/flow.c", cwd=HERE)
    return plugin, flow
