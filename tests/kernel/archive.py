# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels and their headers from Debian's archive, unpacked below the cache folder: nothing is installed.

Installing them would bring their images, put them into the boot menu and change for what `make kmod` builds.
"""
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


class PrepareError(Exception):
    """The kernel tests cannot run here; the text says why and what to do."""


def cache_dir() -> Path:
    """The folder that keeps kernels between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("RTPENGINE_VM_CACHE") or Path(base) / "rtpengine-vm")


def run(*argv: str, cwd: Path | None = None) -> str:
    """The output of a program; PrepareError with all it said if it fails."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PrepareError(f"{' '.join(argv)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def depends(package: str) -> list[str]:
    """The packages that a package names as its dependencies; empty if the archive does not have it."""
    done = subprocess.run(["apt-cache", "depends", package], capture_output=True, text=True, check=False)
    return re.findall(r"Depends: (\S+)", done.stdout)


def unpack(root: Path, package: str) -> None:
    """Downloads a package and unpacks it below `root`."""
    downloads = root / "packages" / package
    downloads.mkdir(parents=True, exist_ok=True)
    run("apt-get", "download", package, cwd=downloads)
    run("dpkg-deb", "-x", str(next(downloads.glob("*.deb"))), str(root))
    shutil.rmtree(downloads)


def headers_of(meta: str) -> str:
    """The package of headers that a meta package stands for today; PrepareError if there is none."""
    for package in depends(meta):
        if package.startswith("linux-headers-"):
            return package
    raise PrepareError(f"{meta} is not to be had here (apt-get update?)")


def _needed(headers: str) -> Iterator[str]:
    """The package and what it is useless without."""
    yield headers
    for package in depends(headers):
        if re.match(r"linux-(headers|kbuild)-", package):
            yield package


def fetch_headers(headers: str) -> Path:
    """The folder to build modules in, for a package of headers."""
    root = cache_dir()
    folder = root / "usr/src" / headers
    ready = folder / ".unpacked"
    if not ready.exists():
        for package in _needed(headers):
            unpack(root, package)
        makefile = folder / "Makefile"      # it names the common headers by their absolute place
        makefile.write_text(re.sub(r"^include /usr", f"include {root}/usr", makefile.read_text(), flags=re.MULTILINE))
        ready.touch()
    return folder


def fetch_image(release: str) -> None:
    """Image and modules of a kernel release."""
    root = cache_dir()
    if not (root / "lib/modules" / release / "modules.dep").exists():
        unpack(root, f"linux-image-{release}")
        run("depmod", "-b", str(root), release)
