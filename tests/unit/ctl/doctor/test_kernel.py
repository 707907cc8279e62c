# SPDX-License-Identifier: GPL-3.0-or-later
"""The module in every state that it can be in."""
from __future__ import annotations

import lzma
import re
from pathlib import Path

import pytest

from ctl.doctor import kernel
from ctl.doctor.host import Output

from .fakes import RELEASE, Fake

ROOT = Path(__file__).parents[4]
FILE = f"/lib/modules/{RELEASE}/updates/dkms/xt_RTPENGINE.ko"
NOTE = b"\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0" + bytes(range(20))
INSTALLED = f"installed for the running kernel {RELEASE}"


def modinfo(fake: Fake, vermagic: str = RELEASE, path: str = FILE, **more: str) -> None:
    rows = {"filename": path, "description": "Forwarding of RTP media streams",
            "vermagic": f"{vermagic} SMP preempt mod_unload", "rtpengine_abi": kernel.ABI} | more
    text = "".join(f"{name}:  {value}\n" for name, value in rows.items() if value)
    fake.programs[f"modinfo -k {RELEASE} xt_RTPENGINE"] = text


def dkms(fake: Fake, *rows: str) -> None:
    fake.programs["dkms status rtpengine"] = "".join(f"{row}\n" for row in rows)


def test_the_control_interface_is_that_of_the_module() -> None:
    header = (ROOT / "kmod/uapi/rtpengine.h").read_text()
    found = re.search(r"^#define RTPE_ABI_VERSION (\d+)$", header, re.MULTILINE)
    assert found and found[1] == kernel.ABI
    assert "MODULE_INFO(rtpengine_abi, __stringify(RTPE_ABI_VERSION))" in (ROOT / "kmod/main.c").read_text()


def test_names_are_those_of_the_packaging() -> None:
    config = (ROOT / "kmod/dkms.conf").read_text()
    assert f'PACKAGE_NAME="{kernel.PACKAGE}"' in config
    assert f'BUILT_MODULE_NAME[0]="{kernel.MODULE}"' in config


def test_nothing_is_there_and_nothing_is_asked_for(fake: Fake) -> None:
    for check in (kernel.installed, kernel.loaded, kernel.headers, kernel.dkms, kernel.signing):
        assert [state for state, _, _ in fake.look(check)] == ["ok"]
    assert fake.look(kernel.version) == []


def test_nothing_is_there(fake: Fake) -> None:
    fake.configured("table = 3\n")
    assert fake.look(kernel.installed) == [
        ("problem", f"not installed for {RELEASE}, so media stay in user space", "make dkms")]
    assert fake.look(kernel.loaded) == [("problem", "not loaded, so media of table 3 stay in user space",
                                         "modprobe xt_RTPENGINE && systemctl restart rtpengine")]
    assert fake.look(kernel.headers) == [("problem", f"none for {RELEASE}, so the module cannot be built",
                                          f"apt-get install linux-headers-{RELEASE}")]
    (finding,) = fake.look(kernel.dkms)
    assert finding[::2] == ("warning", "make dkms")


def test_what_is_from_packages_is_mended_with_packages(fake: Fake) -> None:
    fake.configured("table = 3\n")
    fake.file("/usr/lib/rtpengine-ctl/bin/python")
    assert fake.look(kernel.installed)[0][2] == "apt-get install --reinstall rtpengine-dkms"


def test_all_is_well(fake: Fake) -> None:
    fake.configured("table = 0\n")
    modinfo(fake)
    fake.file(f"{kernel.LOADED}/notes/.note.gnu.build-id", NOTE)
    fake.file(FILE, b"\x7fELF" + NOTE + b"text")
    fake.file(f"/lib/modules/{RELEASE}/build/Makefile")
    dkms(fake, f"rtpengine/0.1.0, {RELEASE}, x86_64: installed")
    for check, found in ((kernel.installed, FILE), (kernel.loaded, "xt_RTPENGINE is loaded"),
                         (kernel.version, f"control interface {kernel.ABI}, and the installed build is loaded"),
                         (kernel.headers, f"/lib/modules/{RELEASE}/build"),
                         (kernel.dkms, f"rtpengine/0.1.0 is {INSTALLED}"),
                         (kernel.signing, "modules need no signature here")):
        assert fake.look(check) == [("ok", found, "")]


def test_no_modinfo(fake: Fake) -> None:
    fake.programs.clear()
    assert fake.look(kernel.installed) == [("unknown", "there is no program modinfo to tell", "apt-get install kmod")]


def test_built_for_another_kernel(fake: Fake) -> None:
    dkms(fake, "rtpengine/0.1.0, 5.10.0-8-test, x86_64: installed")
    modinfo(fake, vermagic="5.10.0-8-test")
    assert fake.look(kernel.installed) == [("problem", f"{FILE} was built for 5.10.0-8-test, and {RELEASE} is running",
                                            f"dkms install --force rtpengine/0.1.0 -k {RELEASE}")]


def test_loaded_by_hand(fake: Fake) -> None:
    fake.file(f"{kernel.LOADED}/initstate", "live\n")
    (finding,) = fake.look(kernel.installed)
    assert finding[0] == "warning" and "gone after a restart" in finding[1]
    assert [state for state, _, _ in fake.look(kernel.loaded)] == ["ok"]


@pytest.mark.parametrize("abi, found", [("2", f"the installed module has control interface 2, the daemon {kernel.ABI}"),
                                        ("", "the installed module does not tell its control interface")])
def test_of_another_version(fake: Fake, abi: str, found: str) -> None:
    modinfo(fake, rtpengine_abi=abi)
    (finding,) = fake.look(kernel.version)
    assert finding[0] == "problem" and finding[1].startswith(found)
    assert finding[2].startswith("make dkms") and kernel.RELOAD in finding[2]


@pytest.mark.parametrize("path, packed", [
    (FILE, b"ELF" + NOTE), (FILE + ".xz", lzma.compress(b"ELF" + NOTE))])
def test_the_loaded_build_is_told_from_the_installed_one(fake: Fake, path: str, packed: bytes) -> None:
    modinfo(fake, path=path)
    fake.file(path, packed)
    fake.file(f"{kernel.LOADED}/notes/.note.gnu.build-id", NOTE)
    assert fake.look(kernel.version)[0][:2] == (
        "ok", f"control interface {kernel.ABI}, and the installed build is loaded")
    fake.file(f"{kernel.LOADED}/notes/.note.gnu.build-id", NOTE[:-1] + b"\xff")
    assert fake.look(kernel.version) == [
        ("problem", "another build of the module is loaded than is installed", kernel.RELOAD)]


@pytest.mark.parametrize("path, content", [(FILE + ".zst", b"packed in another way"), (FILE + ".xz", b"no archive")])
def test_what_cannot_be_unpacked_is_not_judged(fake: Fake, path: str, content: bytes) -> None:
    modinfo(fake, path=path)
    fake.file(path, content)
    fake.file(f"{kernel.LOADED}/notes/.note.gnu.build-id", NOTE)
    assert fake.look(kernel.version) == [("ok", f"control interface {kernel.ABI}", "")]


def test_headers_that_are_missing_later(fake: Fake) -> None:
    fake.configured("table = 0\n")
    modinfo(fake)
    assert fake.look(kernel.headers)[0][0] == "warning"


@pytest.mark.parametrize("row, state", [
    ("rtpengine/0.1.0: added", "problem"),
    (f"rtpengine/0.1.0, {RELEASE}, x86_64: built", "problem"),
    (f"rtpengine, 0.1.0, {RELEASE}, x86_64: installed", "ok"),      # as older ones write it
    (f"rtpengine/0.1.0, {RELEASE}, x86_64: installed (WARNING! Diff between built and installed module!)", "warning")])
def test_dkms(fake: Fake, row: str, state: str) -> None:
    fake.configured("table = 0\n")
    dkms(fake, row)
    (finding,) = fake.look(kernel.dkms)
    assert finding[0] == state
    if state != "ok":
        assert finding[2].endswith(f"dkms install --force rtpengine/0.1.0 -k {RELEASE}")


def test_dkms_and_the_next_kernel(fake: Fake) -> None:
    modinfo(fake)
    fake.file(f"/boot/vmlinuz-{RELEASE}")
    fake.file("/boot/vmlinuz-6.1.0-10-test")
    dkms(fake, f"rtpengine/0.1.0, {RELEASE}, x86_64: installed")
    first, second = fake.look(kernel.dkms)
    assert first == ("ok", f"rtpengine/0.1.0 is {INSTALLED}", "")
    assert second == ("warning", "rtpengine/0.1.0 is not installed for the kernel 6.1.0-10-test",
                      "apt-get install linux-headers-6.1.0-10-test && "
                      "dkms install --force rtpengine/0.1.0 -k 6.1.0-10-test")


SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


@pytest.mark.parametrize("path, content, why", [
    (SECURE_BOOT, b"\6\0\0\0\1", "Secure Boot is on"), (SECURE_BOOT, b"\6\0\0\0\0", ""), (SECURE_BOOT, b"", ""),
    ("/sys/kernel/security/lockdown", b"none [integrity] confidentiality\n", "the kernel is locked down"),
    ("/sys/kernel/security/lockdown", b"[none] integrity confidentiality\n", ""),
    ("/sys/module/module/parameters/sig_enforce", b"Y\n", "the kernel wants signed modules")])
def test_what_asks_for_signatures(fake: Fake, path: str, content: bytes, why: str) -> None:
    fake.file(path, content)
    modinfo(fake)
    (finding,) = fake.look(kernel.signing)
    assert finding[0] == ("problem" if why else "ok")
    assert finding[1].startswith(f"{why}, and the module is not signed" if why else "modules need no signature")


def test_a_signed_module(fake: Fake) -> None:
    fake.file(SECURE_BOOT, b"\6\0\0\0\1")
    modinfo(fake, signer="DKMS module signing key")
    test = "mokutil --test-key /var/lib/dkms/mok.pub"
    assert fake.look(kernel.signing)[0][::2] == ("warning", "mokutil --import /var/lib/dkms/mok.pub && reboot")
    fake.programs[test] = "/var/lib/dkms/mok.pub is not enrolled\n"
    assert fake.look(kernel.signing)[0][0] == "warning"
    fake.programs[test] = Output(1, "/var/lib/dkms/mok.pub is already enrolled\n")
    assert fake.look(kernel.signing)[0][0] == "ok"
    del fake.programs[test]
    fake.file(f"{kernel.LOADED}/initstate", "live\n")
    assert fake.look(kernel.signing) == [("ok", "Secure Boot is on, and the module is loaded", "")]
