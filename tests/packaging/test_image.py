# SPDX-License-Identifier: GPL-3.0-or-later
"""packaging/Dockerfile: what is known of good ones, and that the daemon comes to the rights that it says."""
from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from controlplane.config.argv import parse

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "packaging/Dockerfile").read_text()
STEPS = [(line.split(None, 1)[0], line.split(None, 1)[1])
         for line in re.sub(r"\s*\\\n\s*", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines() if line]
NET_ADMIN = 1 << 12
needs_root = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")


def only(instruction: str) -> str:
    (found,) = [rest for name, rest in STEPS if name == instruction]
    return found


def test_what_is_known_of_good_ones() -> None:
    assert re.fullmatch(r"debian:bookworm\S*", only("FROM")), "a release that is said"
    assert not {name for name, _ in STEPS} - {"FROM", "COPY", "RUN", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"}
    run = only("RUN")
    for command in re.findall(r"apt-get install ([^&]*)", run):
        assert {"-y", "--no-install-recommends"} <= set(command.split())
    assert "sudo" not in run and "rm -rf /packages /var/lib/apt/lists/*" in run
    assert re.search(r"useradd --system --uid (\d+) --gid \1 ", run)
    assert json.loads(only("ENTRYPOINT")) and json.loads(only("HEALTHCHECK").removeprefix("CMD "))


def test_what_is_copied_is_there_or_made_by_make_deb() -> None:
    for _, rest in [step for step in STEPS if step[0] == "COPY"]:
        for name in rest.split()[:-1]:
            assert glob.glob(str(ROOT / name)) or name.startswith("build/deb/rtpengine"), name
    assert os.access(ROOT / "packaging/as-rtpengine", os.X_OK)


def test_the_command_is_understood() -> None:
    wrapper, program, *options = json.loads(only("ENTRYPOINT"))
    assert (wrapper, program) == ("as-rtpengine", "/usr/bin/rtpengine")
    assert parse(options) == {"foreground": True, "log-stderr": True}


def test_numbers_of_the_user_agree() -> None:
    assert len(set(re.findall(r"(?:-u|-g|--uid|--gid) (\d+)", TEXT))) == 1


@needs_root
@pytest.mark.parametrize("given, uid, rights", [
    ("-all,+chown,+setuid,+setgid,+setpcap,+net_raw,+net_admin,+kill", 65534, NET_ADMIN),
    ("-all,+setuid,+setgid,+net_admin", 65534, NET_ADMIN), ("-all,+setuid,+setgid,+net_raw", 65534, 0)])
def test_the_daemon_has_what_the_container_was_given(given: str, uid: int, rights: int) -> None:
    inside = ["setpriv", "--inh-caps=-all", f"--bounding-set={given}", str(ROOT / "packaging/as-rtpengine")]
    assert _ends_as(inside) == (uid, uid, rights, 1)


@needs_root
def test_another_user_has_nothing() -> None:
    container = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups", "--inh-caps=-all", "--bounding-set=+net_admin"]
    script = (ROOT / "packaging/as-rtpengine").read_text()      # where the sources are, others may not be let in
    assert _ends_as([*container, "sh", "-c", script, "as-rtpengine"]) == (1, 1, 0, 0)


def _ends_as(words: list[str]) -> tuple[int, int, int, int]:
    """User, group, effective capabilities and no_new_privs of what ``words`` become."""
    done = subprocess.run([*words, "cat", "/proc/self/status"], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "RTPENGINE_USER": "nobody"})
    assert done.returncode == 0, done.stderr
    found = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    return (int(found["Uid"].split()[1]), int(found["Gid"].split()[1]), int(found["CapEff"], 16),
            int(found["NoNewPrivs"]))
