# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the extension controlplane.relay._native: the forwarding core, the relay and the structures of the ABI.

setup.py names ``ffibuilder``; run as a program, this file builds the extension in place.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parents[2]
HEADERS = (ROOT / "kmod/uapi/rtpengine.h", ROOT / "controlplane/relay/relay.h")
FLAGS = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-pthread", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror"]

_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "unsigned long long", "s32": "int32_t"}
_CONSTANT = re.compile(r"#define\s+(\w+)\s+(\d+|0[xX][0-9a-fA-F]+)\s*$")
_DROPPED = re.compile(r"^(#|_Static_assert)")


def declarations(header: Path) -> str:
    """What cffi can read of a header: no comments, no preprocessor but integer constants, standard type names."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    lines = []
    for line in map(str.strip, text.splitlines()):
        constant = _CONSTANT.match(line)
        if constant:
            lines.append(f"#define {constant[1]} {int(constant[2], 0)}")
        elif not _DROPPED.match(line):
            lines.append(line)
    return re.sub(r"\b__([us]\d+)\b", lambda m: _TYPES[m[1]], "\n".join(lines))


def sources(*folders: str) -> list[str]:
    """The C files of these folders, relative to the current directory as setuptools wants them."""
    return sorted(os.path.relpath(path, os.getcwd()) for folder in folders for path in (ROOT / folder).glob("*.c"))


ffibuilder = FFI()
for _header in HEADERS:
    ffibuilder.cdef(declarations(_header))
ffibuilder.set_source(
    "controlplane.relay._native", '#include "controlplane/relay/relay.h"',
    sources=[path for path in sources("kmod/core", "controlplane/relay") if not path.endswith("_native.c")],
    depends=[os.path.relpath(path, os.getcwd()) for folder in ("kmod/core", "kmod/uapi", "controlplane/relay")
             for path in (ROOT / folder).glob("*.h")],
    include_dirs=["."], extra_compile_args=FLAGS, extra_link_args=["-pthread"], libraries=["crypto"])


if __name__ == "__main__":
    subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--build-temp", "build/relay"],
                   cwd=ROOT, check=True)
