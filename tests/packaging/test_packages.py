# SPDX-License-Identifier: GPL-3.0-or-later
"""What packaging/ says, and the two packages that are made in seconds: fields, scripts, files."""
from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
PACKAGES = ("rtpengined", "rtpengine-ctl", "rtpengine-dkms", "rtpengine-xtables")
DEBIANS = {"rtpengine", "rtpengine-daemon", "rtpengine-iptables", "rtpengine-kernel-dkms", "rtpengine-utils",
           "rtpengine-recording-daemon", "rtpengine-perftest"}
"""Debian's packages of the implementation that it has."""
RIVALS = {"rtpengined": "rtpengine-daemon", "rtpengine-ctl": "rtpengine-utils",
          "rtpengine-dkms": "rtpengine-kernel-dkms", "rtpengine-xtables": "rtpengine-iptables"}
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
MODE = {"f": "-rw-r--r--", "x": "-rwxr-xr-x"}


def fields(text: str) -> dict[str, str]:
    """A paragraph of a control file; continued lines keep their line ends."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith(" "):
            found[name] += "\n" + line
        else:
            name, _, value = line.partition(": ")
            assert name not in found, name
            found[name] = value
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_control_fields(package: str) -> None:
    control = fields((PACKAGING / package / "control").read_text())
    assert control["Package"] == package and package not in DEBIANS
    assert {"Version", "Architecture", "Maintainer", "Section", "Priority", "Depends", "Description"} <= set(control)
    assert control["Version"] == "@VERSION@" and control["Architecture"] in ("all", "@ARCHITECTURE@")
    assert RIVALS[package] in control["Conflicts"].split(", ") and control["Replaces"] == control["Conflicts"]
    synopsis, *body = control["Description"].split("\n")
    assert 0 < len(synopsis) < 80 and body and all(len(line) <= 80 for line in body)
    assert "shlibs" not in control["Depends"] and ("@SHLIBS@" in control["Depends"]) is (
        control["Architecture"] == "@ARCHITECTURE@")


@pytest.mark.parametrize("package", PACKAGES)
def test_maintainer_scripts(package: str) -> None:
    scripts = [path for path in (PACKAGING / package).iterdir() if path.name != "control"]
    for path in scripts:
        assert path.name in SCRIPTS
        text = path.read_text()
        assert text.startswith("#!/bin/sh\n") and "\nset -e\n" in text
        subprocess.run(["sh", "-n", str(path)], check=True, timeout=60)
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", "-s", "sh", str(path)], check=True, timeout=30)
        if path.name.startswith("post") and "adduser" not in text:
            assert 'configure ] || exit 0' in text or "case $1 in" in text
    with_unit = "deb-systemd" in "".join(path.read_text() for path in scripts)
    assert with_unit is (package == "rtpengined")


def test_the_user_of_the_unit_comes_and_goes() -> None:
    unit = (ROOT / "etc" / "rtpengine.service").read_text()
    user = re.search(r"^User=(.*)$", unit, re.MULTILINE)
    assert user
    created = (PACKAGING / "rtpengined/postinst").read_text()
    assert re.search(rf"^adduser --system .*\b{user[1]}$", created, re.MULTILINE)
    assert f"deluser --system --quiet {user[1]}" in (PACKAGING / "rtpengined/postrm").read_text()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("dpkg-shlibdeps") or not Path("/usr/include/xtables.h").exists():
        pytest.skip("needs dpkg-dev and libxtables-dev")
    copy = tmp_path_factory.mktemp("sources") / "rtpengine"
    for folder in ("packaging", "tools", "etc", "kmod"):
        shutil.copytree(ROOT / folder, copy / folder,
                        ignore=shutil.ignore_patterns(".*", "*.o", "*.ko", "*.so", "*.mod", "*.mod.c"))
    shutil.copy(ROOT / "setup.cfg", copy)
    out = tmp_path_factory.mktemp("deb")
    done = subprocess.run([copy / "tools/deb.sh", out, "rtpengine-dkms", "rtpengine-xtables"], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def deb(built: Path, package: str) -> Path:
    (path,) = built.glob(f"{package}_*.deb")
    return path


def content(path: Path) -> dict[str, str]:
    """Mode and owner of every file by its name."""
    lines = subprocess.run(["dpkg-deb", "-c", str(path)], capture_output=True, text=True, check=True,
                           timeout=30).stdout.splitlines()
    rows = [line.split(None, 5) for line in lines]
    return {row[5].removeprefix("."): f"{row[0]} {row[1]}" for row in rows}


def info(path: Path, *part: str) -> str:
    return subprocess.run(["dpkg-deb", "-I", str(path), *part], capture_output=True, text=True, check=True,
                          timeout=30).stdout


def test_the_module_is_there_as_dkms_wants_it(built: Path) -> None:
    path = deb(built, "rtpengine-dkms")
    version = fields(subprocess.run(["dpkg-deb", "-f", str(path)], capture_output=True, text=True,
                                    check=True).stdout)["Version"]
    files = content(path)
    source = f"/usr/src/rtpengine-{version}"
    for name in ("dkms.conf", "Kbuild", "Makefile", "main.c", "core/forward.c", "uapi/rtpengine.h"):
        assert files[f"{source}/{name}"] == "-rw-r--r-- root/root", name
    assert "/etc/modprobe.d/rtpengine.conf" in files and "/etc/modules-load.d/rtpengine.conf" in files
    assert set(info(path, "conffiles").split()) == {"/etc/modprobe.d/rtpengine.conf",
                                                    "/etc/modules-load.d/rtpengine.conf"}
    assert f"common.postinst rtpengine {version} " in info(path, "postinst") and "@" not in info(path, "postinst")
    assert f'PACKAGE_VERSION="{version}"' in (ROOT / "kmod/dkms.conf").read_text()


def test_the_extension_is_where_iptables_looks(built: Path) -> None:
    path = deb(built, "rtpengine-xtables")
    (extension,) = [name for name in content(path) if name.endswith(".so")]
    folder = subprocess.run(["pkg-config", "--variable=xtlibdir", "xtables"], capture_output=True, text=True).stdout
    assert extension == f"{folder.strip()}/libxt_RTPENGINE.so"
    control = subprocess.run(["dpkg-deb", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Depends: iptables, .*libc6 \(>= ", control, re.MULTILINE)


@pytest.mark.parametrize("package", ["rtpengine-dkms", "rtpengine-xtables"])
def test_everything_belongs_to_root_and_names_no_folder_of_the_build(built: Path, package: str, tmp_path: Path) -> None:
    path = deb(built, package)
    files = content(path)
    assert all(mode.endswith(" root/root") and mode[0] in "-d" and mode[5] != "w" and mode[8] != "w"
               for mode in files.values())
    assert f"/usr/share/doc/{package}/copyright" in files and f"/usr/share/doc/{package}/changelog.gz" in files
    subprocess.run(["dpkg-deb", "-x", str(path), str(tmp_path)], check=True, timeout=30)
    assert not subprocess.run(["grep", "-rl", str(built), str(tmp_path)], capture_output=True, text=True).stdout
    assert not [line for line in info(path).splitlines() if "@" in line and "Maintainer" not in line]
