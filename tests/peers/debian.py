# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages as peers: downloaded and unpacked below ``build/``, never installed."""
from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"
_LIBRARY_DIRS = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib", "lib")


class Unobtainable(Exception):
    """A package can neither be found nor downloaded; the text says what failed."""


def _run(argv: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"})
    if done.returncode:
        raise Unobtainable(f"{' '.join(argv[:4])}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def _missing(package: str) -> list[str]:
    """Names of the package and of those dependencies that this system lacks."""
    plan = _run(["apt-get", "-s", "--no-install-recommends", "install", package])
    return re.findall(r"^Inst (\S+) \(", plan, re.M)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(packages: list[str], into: Path) -> None:
    try:
        _run(["apt-get", "download", *packages], into)
    except Unobtainable:
        _run(["apt-get", "update", "-q"])
        _run(["apt-get", "download", *packages], into)


def unpack(package: str) -> Path:
    """Root directory below which ``package`` and its missing dependencies are unpacked.

    Done once: later calls find the result. Unobtainable if there is no apt or no package source.
    """
    root = BUILD / "debian" / package
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Unobtainable("this system has no apt-get and dpkg-deb")
    with _locked(root.with_suffix(".lock")):
        if (root / "complete").exists():
            return root
        shutil.rmtree(root, ignore_errors=True)
        archives = root / "archives"
        archives.mkdir(parents=True)
        try:
            names = _missing(package)
        except Unobtainable:
            _run(["apt-get", "update", "-q"])
            names = _missing(package)
        _download(names or [package], archives)
        for archive in sorted(archives.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(archive), str(root)])
        shutil.rmtree(archives)
        (root / "complete").touch()
    return root


def environment(root: Path, *more: str) -> dict[str, str]:
    """Variables that let a program below ``root`` find its libraries; ``more`` are directories below ``root``."""
    dirs = [str(root / name) for name in (*more, *_LIBRARY_DIRS) if (root / name).is_dir()]
    return {"LD_LIBRARY_PATH": ":".join(dirs)}


def program(package: str, path: str) -> tuple[str, dict[str, str]]:
    """A program by its installed ``path`` such as ``/usr/sbin/kamailio``, with the variables it needs.

    The installed one is taken where there is one, else the package is unpacked. Unobtainable otherwise.
    """
    if os.access(path, os.X_OK):
        return path, {}
    root = unpack(package)
    found = root / path.lstrip("/")
    if not found.exists():
        raise Unobtainable(f"{package} has no {path}")
    return str(found), environment(root)


def data_file(package: str, path: str) -> Path:
    """A file by its installed ``path``, as ``program`` finds programs."""
    if Path(path).exists():
        return Path(path)
    found = unpack(package) / path.lstrip("/")
    if not found.exists():
        raise Unobtainable(f"{package} has no {path}")
    return found
