# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a kernel that finds mistakes, from Debian's sources: `python -m tests.kernel.debug.build`.

KASAN, lockdep, RCU and locking checks, kmemleak, object debugging and fault injection, in a small kernel that has all
the guest needs built in (the file `fragment`). Takes about ten minutes on two CPUs and 2 GB in the cache folder, once:
it is built again when the fragment or Debian's sources change.
"""
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.kernel.archive import PrepareError, cache_dir, run, unpack
from tests.kernel.prepare import Kernel, install_programs, with_initramfs

SOURCE = "linux-source-6.1"
# program or header -> Debian package
NEEDED = {"flex": "flex", "bison": "bison", "bc": "bc", "xz": "xz-utils", "/usr/include/libelf.h": "libelf-dev",
          "/usr/include/openssl/ssl.h": "libssl-dev"}
FRAGMENT = Path(__file__).parent / "fragment"


def _install() -> None:
    install_programs()
    missing = sorted(package for what, package in NEEDED.items() if not (shutil.which(what) or Path(what).is_file()))
    if missing and os.geteuid():
        raise PrepareError("missing packages: apt-get install " + " ".join(missing))
    if missing:
        run("apt-get", "install", "-y", "--no-install-recommends", *missing)


def source_tree() -> Path:
    """Debian's kernel sources, unpacked."""
    _install()
    root = cache_dir() / "debug"
    tree = root / SOURCE
    ready = tree / ".unpacked"
    if not ready.exists():
        shutil.rmtree(tree, ignore_errors=True)
        unpack(root, SOURCE)
        archive = root / "usr/src" / f"{SOURCE}.tar.xz"
        run("tar", "-xJf", str(archive), "-C", str(root))
        shutil.rmtree(root / "usr")
        ready.touch()
    return tree


def wanted(fragment: str) -> Iterator[str]:
    """The lines of a fragment that set something."""
    return (line for line in fragment.splitlines() if line.startswith("CONFIG_") or line.endswith(" is not set"))


def dropped(fragment: str, config: str) -> list[str]:
    """What the fragment wants and the configuration does not have: options renamed, or without what they need."""
    has = set(config.splitlines())
    names = {line.partition("=")[0] for line in has}
    return [line for line in wanted(fragment) if line not in has and not
            (line.startswith("# ") and line.split()[1] not in names)]


def configure(tree: Path, out: Path) -> None:
    """tinyconfig and the fragment; PrepareError if the kernel has not all of it."""
    out.mkdir(parents=True, exist_ok=True)
    run("make", f"O={out}", "tinyconfig", cwd=tree)
    run("scripts/kconfig/merge_config.sh", "-m", "-O", str(out), str(out / ".config"), str(FRAGMENT), cwd=tree)
    run("make", f"O={out}", "olddefconfig", cwd=tree)
    if missing := dropped(FRAGMENT.read_text(), (out / ".config").read_text()):
        raise PrepareError("the kernel cannot be configured with " + ", ".join(missing))


def _compile(tree: Path, out: Path) -> None:
    command = ["nice", "make", f"-j{os.cpu_count() or 1}", f"O={out}", "bzImage", "modules"]
    with open(out / "log", "wb") as log:
        if subprocess.run(command, cwd=tree, stdout=log, stderr=log, check=False).returncode:
            raise PrepareError(f"the kernel does not compile: {out}/log")


def _stamp(tree: Path) -> str:
    """Names what a kernel is made from: the fragment, and the version in the sources."""
    return hashlib.sha256(FRAGMENT.read_bytes() + (tree / "Makefile").read_bytes()).hexdigest()


def prepare_debug() -> Kernel:
    """The debug kernel, built if it was not."""
    tree = source_tree()
    out = cache_dir() / "debug" / "obj"
    stamp = out / "stamp"
    if not stamp.exists() or stamp.read_text() != _stamp(tree):
        print(f"building the debug kernel in {out}, which takes a while", file=sys.stderr)
        configure(tree, out)
        _compile(tree, out)
        run("make", f"O={out}", f"INSTALL_MOD_PATH={out.parent}", "modules_install", cwd=tree)
        stamp.write_text(_stamp(tree))
    release = (out / "include/config/kernel.release").read_text().strip()
    image = out / "arch/x86/boot/bzImage"      # not the ELF kernel: its entry by PVH does not live with KASAN
    return with_initramfs(Kernel(release, image, out.parent / "initramfs", out.parent, out))


def main() -> int:
    """Builds it and says where it is."""
    try:
        kernel = prepare_debug()
    except PrepareError as e:
        print(e, file=sys.stderr)
        return 1
    print(f"kernel {kernel.release}: {kernel.image}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
