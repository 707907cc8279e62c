# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel module: built for this kernel, of this version, signed if it must be, loaded."""
from __future__ import annotations

import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator

from ctl.doctor.finding import Finding, ok, problem, unknown, warning
from ctl.doctor.host import Host

MODULE = "xt_RTPENGINE"
PACKAGE = "rtpengine"
ABI = "3"
"""The version of the control interface that this release speaks: RTPE_ABI_VERSION."""
LOADED = f"/sys/module/{MODULE}"
_DKMS = re.compile(rf"^{PACKAGE}[/,] ?(?P<version>[^,/:]+)(?:, (?P<release>[^,:]+), [^:]+)?: "
                   r"(?P<state>\w+)(?P<rest>.*)$", re.MULTILINE)
PACKAGED = "/usr/lib/rtpengine-ctl"
"""There when this program is from a Debian package."""
_PACKED: dict[str, Callable[[bytes], bytes]] = {"ko": bytes, "xz": lzma.decompress, "gz": gzip.decompress}
"""How module files are unpacked, by the end of their names."""
_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_KEY = "/var/lib/dkms/mok.pub"
RELOAD = f"systemctl stop rtpengine; rmmod {MODULE} && modprobe {MODULE} && systemctl start rtpengine"


def fields(host: Host) -> dict[str, str] | None:
    """What modinfo(8) says of the installed module; None if there is none for the running kernel."""
    output = host.run("modinfo", "-k", host.release, MODULE)
    if output is None or output.status:
        return None
    rows = (line.partition(":") for line in output.out.splitlines())
    return {name.strip(): value.strip() for name, _, value in rows}


def installed(host: Host) -> Iterator[Finding]:
    """Whether there is a module for the running kernel."""
    found = fields(host)
    if host.run("modinfo", "-k", host.release, MODULE) is None:
        yield unknown("there is no program modinfo to tell", "apt-get install kmod")
    elif found is not None:
        vermagic = found.get("vermagic", "").split(" ")[0]
        if vermagic in ("", host.release):
            yield ok(found.get("filename", MODULE))
        else:
            yield problem(f"{found.get('filename')} was built for {vermagic}, and {host.release} is running",
                          _build(host))
    elif host.exists(LOADED):
        yield warning(f"not installed for {host.release}; the one that is loaded will be gone after a restart",
                      _build(host))
    elif host.settings.table >= 0:
        yield problem(f"not installed for {host.release}, so media stay in user space", _build(host))
    else:
        yield ok("not installed, and not asked for (table = -1)")


def _build(host: Host) -> str:
    """What makes the module: with DKMS if it has the sources, otherwise from the sources."""
    known = next((found["version"] for found in _dkms(host)), None)
    return f"dkms install --force {PACKAGE}/{known} -k {host.release}" if known else sources(host)


def sources(host: Host) -> str:
    """What installs this release's sources of the module, and builds it: a package where this program is from one."""
    return "apt-get install --reinstall rtpengine-dkms" if host.exists(PACKAGED) else "make dkms"


def loaded(host: Host) -> Iterator[Finding]:
    """Whether the module is in the kernel."""
    if host.exists(LOADED):
        yield ok(f"{MODULE} is loaded")
    elif host.settings.table >= 0:
        yield problem(f"not loaded, so media of table {host.settings.table} stay in user space",
                      f"modprobe {MODULE} && systemctl restart rtpengine")
    else:
        yield ok("not loaded, and not asked for (table = -1)")


def version(host: Host) -> Iterator[Finding]:
    """Whether the loaded module is the installed one, and speaks the daemon's version of the control interface."""
    found = fields(host)
    if found is None:
        return
    abi = found.get("rtpengine_abi")
    same = _is_loaded(host, found.get("filename", ""))
    if abi is None:
        yield problem("the installed module does not tell its control interface: it is too old, or another project's",
                      f"{sources(host)} && {{ {RELOAD}; }}")
    elif abi != ABI:
        yield problem(f"the installed module has control interface {abi}, the daemon {ABI}",
                      f"{sources(host)} && {{ {RELOAD}; }}")
    elif same is False:
        yield problem("another build of the module is loaded than is installed", RELOAD)
    else:
        yield ok(f"control interface {abi}" + (", and the installed build is loaded" if same else ""))


def _is_loaded(host: Host, path: str) -> bool | None:
    """Whether the loaded module was made of this file, by its build id; None if that cannot be told."""
    note, file = host.read_bytes(f"{LOADED}/notes/.note.gnu.build-id"), host.read_bytes(path)
    unpack = _PACKED.get(path.rpartition(".")[2])
    if not note or not file or unpack is None:
        return None
    try:
        return note in unpack(file)
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        return None


def headers(host: Host) -> Iterator[Finding]:
    """Whether the module can be built for the running kernel."""
    mend = f"apt-get install linux-headers-{host.release}"
    if host.exists(f"/lib/modules/{host.release}/build/Makefile"):
        yield ok(f"/lib/modules/{host.release}/build")
    elif host.settings.table < 0:
        yield ok(f"none for {host.release}, and no module is asked for (table = -1)")
    elif fields(host) is None:
        yield problem(f"none for {host.release}, so the module cannot be built", mend)
    else:
        yield warning(f"none for {host.release}: the module cannot be built again", mend)


def _dkms(host: Host) -> list[re.Match[str]]:
    output = host.run("dkms", "status", PACKAGE)
    return list(_DKMS.finditer(output.out)) if output is not None else []


def dkms(host: Host) -> Iterator[Finding]:
    """Whether DKMS has the module for this kernel, and for those that may be started next."""
    rows = _dkms(host)
    if not rows:
        if host.settings.table < 0:
            yield ok("not used, and no module is asked for (table = -1)")
        else:
            yield warning("does not know the module: it has to be built by hand for each new kernel", sources(host))
        return
    version = rows[-1]["version"]
    states = {row["release"]: row for row in rows if row["release"]}
    releases = [name.removeprefix("vmlinuz-") for name in host.names("/boot") if name.startswith("vmlinuz-")]
    for release in dict.fromkeys((host.release, *releases)):
        row = states.get(release)
        kernel = "the running kernel" if release == host.release else "the kernel"
        mend = f"apt-get install linux-headers-{release} && dkms install --force {PACKAGE}/{version} -k {release}"
        if row is None or row["state"] != "installed":
            report = problem if release == host.release and fields(host) is None else warning
            yield report(f"{PACKAGE}/{version} is not installed for {kernel} {release}"
                         + (f" ({row['state']})" if row else ""), mend)
        elif "WARNING" in row["rest"]:
            yield warning(f"{PACKAGE}/{version} for {kernel} {release} is not what was built:{row['rest']}", mend)
        else:
            yield ok(f"{PACKAGE}/{row['version']} is installed for {kernel} {release}")


def signing(host: Host) -> Iterator[Finding]:
    """Whether this kernel takes modules without a signature that it knows."""
    why = _enforced(host)
    found = fields(host)
    if not why:
        yield ok("modules need no signature here")
    elif host.exists(LOADED):
        yield ok(f"{why}, and the module is loaded")
    elif found is None:
        yield ok(f"{why}, and there is no module to sign yet")
    elif not found.get("signer") and not found.get("sig_id"):
        yield problem(f"{why}, and the module is not signed", f"{_build(host)} && mokutil --import {_KEY} && reboot")
    else:
        test = host.run("mokutil", "--test-key", _KEY)
        if test is not None and "is already enrolled" in test.out:
            yield ok(f"{why}, and the module is signed by {found.get('signer')}, which the firmware knows")
        else:
            yield warning(f"{why}, and the module is signed by {found.get('signer')}, which the firmware may not know",
                          f"mokutil --import {_KEY} && reboot")


def _enforced(host: Host) -> str:
    """What makes this kernel ask for signatures, empty if nothing does."""
    boot = host.read_bytes(_SECURE_BOOT)
    if boot is not None and boot[4:5] == b"\x01":
        return "Secure Boot is on"
    lockdown = host.line("/sys/kernel/security/lockdown")
    if "[integrity]" in lockdown or "[confidentiality]" in lockdown:
        return "the kernel is locked down"
    if host.line("/sys/module/module/parameters/sig_enforce") == "Y":
        return "the kernel wants signed modules"
    return ""
