# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares what the kernel tests boot: a kernel of Debian, its headers, and an initramfs for it.

Everything goes to a cache folder (RTPENGINE_VM_CACHE, default ~/.cache/rtpengine-vm); the running system is not
changed, except that missing programs are installed when this runs as root: `python -m tests.kernel.prepare`.
"""
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.kernel.archive import PrepareError, cache_dir, fetch_headers, fetch_image, headers_of, run

# program -> Debian package
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "depmod": "kmod",
    "/bin/busybox": "busybox-static",
    "make": "make",
    "gcc": "gcc",
    "pkg-config": "pkg-config",
    "iptables-legacy": "iptables",
    "nft": "nftables",
    "ip": "iproute2",
    "tc": "iproute2",
    "ethtool": "ethtool",
    "pahole": "pahole",
}
EARLY_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
HERE = Path(__file__).parent


@dataclass(slots=True)
class Kernel:
    """A kernel ready to boot: its release, image, initramfs, the folder that has lib/modules, and its headers."""

    release: str
    image: Path
    initramfs: Path
    root: Path
    headers: Path
    options: str = ""       # to be added to its command line


def install_programs() -> None:
    """Installs the packages of missing programs; PrepareError naming them if that is not possible."""
    missing = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if not Path("/usr/include/xtables.h").exists():
        missing.add("libxtables-dev")
    if not _header_releases():
        missing.add("linux-headers-amd64")
    if not missing:
        return
    if os.geteuid() != 0:
        raise PrepareError("missing packages: apt-get install " + " ".join(sorted(missing)))
    run("apt-get", "install", "-y", "--no-install-recommends", *sorted(missing))


def _header_releases() -> list[str]:
    """The releases with headers in this system, the newest last."""
    found = [p.parent.parent.name for p in Path("/lib/modules").glob("*/build/Makefile")]
    return sorted(found, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def release() -> str:
    """The newest kernel release whose headers are installed."""
    found = _header_releases()
    if not found:
        raise PrepareError("no kernel headers: apt-get install linux-headers-amd64")
    return found[-1]


def _decompress(blob: bytes) -> bytes:
    """The kernel in a bzImage's payload; empty if its compression is not known here."""
    if blob.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMADecompressor().decompress(blob)
    if blob.startswith(b"\x1f\x8b\x08"):
        return zlib.decompressobj(31).decompress(blob)
    if blob.startswith(b"\x28\xb5\x2f\xfd") and shutil.which("zstd"):
        return subprocess.run(["zstd", "-dc"], input=blob, capture_output=True, check=False).stdout
    return b""


def unpack_image(bzimage: bytes) -> bytes:
    """The ELF kernel inside (it starts a second sooner under emulation), or the image as it is."""
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    elf = _decompress(bzimage[start:start + length])
    return elf if elf.startswith(b"\x7fELF") else bzimage


def load_order(modules_dep: str, wanted: tuple[str, ...]) -> list[str]:
    """Paths of the modules named and of all they need, in an order to insmod them."""
    needs: dict[str, tuple[str, list[str]]] = {}
    for line in modules_dep.splitlines():
        path, _, rest = line.partition(":")
        needs[Path(path).name.split(".")[0].replace("-", "_")] = (path, rest.split())
    order: list[str] = []
    for name in wanted:
        if name not in needs:       # built in
            continue
        path, deps = needs[name]
        order += [p for p in [*reversed(deps), path] if p not in order]
    return order


def _cpio_entry(name: str, mode: int, data: bytes, inode: int) -> bytes:
    raw = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def _module(path: Path) -> bytes:
    blob = path.read_bytes()
    return lzma.decompress(blob) if path.suffix == ".xz" else blob


def make_initramfs(module_dir: Path) -> bytes:
    """An archive (cpio "newc") with busybox, init.sh and the modules that reach the host's files."""
    files: list[tuple[str, int, bytes]] = [(d, 0o40755, b"") for d in ("bin", "dev", "proc", "sys", "mod", "r")]
    files.append(("bin/busybox", 0o100755, Path("/bin/busybox").resolve().read_bytes()))
    files.append(("init", 0o100755, (HERE / "init.sh").read_bytes()))
    order = load_order((module_dir / "modules.dep").read_text(), EARLY_MODULES)
    for n, path in enumerate(order):
        files.append((f"mod/{n:02d}-{Path(path).name.removesuffix('.xz')}", 0o100644, _module(module_dir / path)))
    body = b"".join(_cpio_entry(name, mode, data, n + 1) for n, (name, mode, data) in enumerate(files))
    return body + _cpio_entry("TRAILER!!!", 0, b"", 0)


def _write(path: Path, make: Callable[[], bytes]) -> None:
    partial = path.with_suffix(".part")
    partial.write_bytes(make())
    partial.replace(path)


def with_initramfs(kernel: Kernel) -> Kernel:
    """The kernel, with an initramfs not older than what makes it."""
    newest = max(p.stat().st_mtime for p in (HERE / "init.sh", Path(__file__)))
    if not kernel.initramfs.exists() or kernel.initramfs.stat().st_mtime < newest:
        _write(kernel.initramfs, lambda: make_initramfs(kernel.root / "lib/modules" / kernel.release))
    return kernel


def prepare(meta: str = "") -> Kernel:
    """The kernel of a meta package of headers ("": of the newest headers installed), made ready if it was not.

    PrepareError when this machine cannot.
    """
    install_programs()
    if meta:
        headers = fetch_headers(headers_of(meta))
        rel = headers.name.removeprefix("linux-headers-")
    else:
        rel = release()
        headers = Path("/lib/modules") / rel / "build"
    root = cache_dir()
    root.mkdir(parents=True, exist_ok=True)
    fetch_image(rel)
    kernel = Kernel(rel, root / f"vmlinux-{rel}", root / f"initramfs-{rel}", root, headers)
    if not kernel.image.exists():
        _write(kernel.image, lambda: unpack_image((root / "boot" / f"vmlinuz-{rel}").read_bytes()))
    return with_initramfs(kernel)


def main() -> int:
    """Prepares the kernels of the meta packages named, and says what is there."""
    try:
        for meta in sys.argv[1:] or [""]:
            kernel = prepare(meta)
            print(f"kernel {kernel.release}: {kernel.image}, {kernel.initramfs}")
    except PrepareError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
