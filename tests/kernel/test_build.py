# SPDX-License-Identifier: GPL-3.0-or-later
"""How the module is built, checked and installed."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kernel.archive import PrepareError, fetch_headers, headers_of
from tests.kernel.build import ROOT, Built, copy_sources, run
from tests.kernel.prepare import Kernel, load_order
from tests.kernel.test_guest import LATER

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(2000)]

# headers beside those installed that the module is compiled for (some of these kernels cannot run here: no 9p)
HEADERS = ("linux-headers-cloud-amd64", "linux-headers-rt-amd64", LATER, "linux-headers-6.12-cloud-amd64",
           "linux-headers-6.12-rt-amd64")


@pytest.fixture(name="sources", scope="module")
def fixture_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of kmod/."""
    return copy_sources(tmp_path_factory.mktemp("kmod"))


def fetched(meta: str) -> tuple[str, Path]:
    """Release and headers that a meta package stands for; skips where they cannot be had."""
    try:
        headers = fetch_headers(headers_of(meta))
    except PrepareError as e:
        pytest.skip(str(e))
    return headers.name.removeprefix("linux-headers-"), headers


@pytest.mark.parametrize("meta", ["", *HEADERS])
def test_no_warning_and_sparse_clean(kernel: Kernel, sources: Path, meta: str) -> None:
    """W=1 and sparse find nothing; both are errors in `make check`."""
    release, headers = fetched(meta) if meta else (kernel.release, kernel.headers)
    out = run("make", "-j2", "check", f"KERNELRELEASE={release}", f"KERNELDIR={headers}", cwd=sources)
    assert not re.search(r"warning|error", out.replace("-Werror", "").replace("-Wsparse-error", "")), out
    if shutil.which("sparse"):
        assert "CHECK " in out


def test_install(kernel: Kernel, tmp_path: Path, built: Built) -> None:
    """The module, the extension and the sources for dkms go where they are looked for."""
    run("make", "install", "dkms-install", f"KERNELRELEASE={kernel.release}", f"DESTDIR={tmp_path}",
        cwd=built.extensions)
    assert (tmp_path / f"lib/modules/{kernel.release}/updates/xt_RTPENGINE.ko").exists()
    directory = run("pkg-config", "--variable=xtlibdir", "xtables", cwd=ROOT).strip()
    assert (tmp_path / directory.lstrip("/") / "libxt_RTPENGINE.so").exists()
    tree = next((tmp_path / "usr/src").glob("rtpengine-*"))
    installed = {p.relative_to(tree).as_posix() for p in tree.rglob("*") if p.is_file()}
    assert {"dkms.conf", "Kbuild", "Makefile", "core/forward.c", "uapi/rtpengine.h", "main.c",
            "selftest/vectors.h"} <= installed
    assert f'PACKAGE_VERSION="{tree.name.removeprefix("rtpengine-")}"' in (tree / "dkms.conf").read_text()
    run("make", "module", f"KERNELRELEASE={kernel.release}", cwd=tree)     # complete: it builds by itself


@pytest.mark.skipif(not shutil.which("dkms"), reason="dkms is not installed (apt-get install dkms)")
@pytest.mark.parametrize("meta", ["", LATER])
def test_dkms_builds(kernel: Kernel, sources: Path, tmp_path: Path, meta: str) -> None:
    """dkms itself builds the module from the installed sources."""
    release, headers = fetched(meta) if meta else (kernel.release, kernel.headers)
    run("make", "dkms-install", f"DESTDIR={tmp_path}", "DKMSDIR=/src/rtpengine-0.1.0", cwd=sources)
    (tmp_path / "tree").mkdir()
    options = ["--dkmstree", str(tmp_path / "tree"), "--sourcetree", str(tmp_path / "src"), "-m", "rtpengine", "-v",
               "0.1.0", "-k", release, "--kernelsourcedir", str(headers)]
    for step in ("add", "build"):
        done = subprocess.run(["dkms", step, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "tree").rglob("xt_RTPENGINE.ko*"))


def test_version_is_the_daemons(sources: Path) -> None:
    """dkms.conf and setup.cfg name one version."""
    version = re.search(r"^version = (\S+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    assert version and f'PACKAGE_VERSION="{version[1]}"' in (sources / "dkms.conf").read_text()


def test_load_order() -> None:
    """Dependencies come first, built-in modules are left out, none comes twice."""
    dep = "k/a.ko: k/b.ko k/c.ko\nk/b.ko: k/c.ko\nk/c.ko:\nk/d.ko: k/c.ko\n"
    assert load_order(dep, ("a", "builtin", "d")) == ["k/c.ko", "k/b.ko", "k/a.ko", "k/d.ko"]
