# SPDX-License-Identifier: GPL-3.0-or-later
"""Going to the background, as a shell or an init script sees it."""
import subprocess
import sys

import pytest

from controlplane import process
from controlplane.errors import ConfigError
from controlplane.hostload import HostLoad


def child(code):
    return subprocess.run([sys.executable, "-c", "import os, sys, time\nfrom controlplane import process\n" + code],
                          capture_output=True, text=True, timeout=20)


def test_parent_returns_when_the_child_is_ready(tmp_path):
    done = tmp_path / "done"
    result = child(f"""
ready = process.go_background()
print("before", flush=True)
ready()
print("after", flush=True)
open({str(done)!r}, "w").write(str(os.getpgrp() == os.getpid()))
""")
    assert (result.returncode, result.stdout) == (0, "before\n")
    for _ in range(100):
        if done.exists() and done.read_text():
            break
        subprocess.run(["sleep", "0.05"], check=True)
    assert done.read_text() == "True"


def test_failure_to_start_is_the_parents_failure():
    result = child("process.go_background()\nprocess.complain('no port')\nsys.exit(3)")
    assert (result.returncode, result.stderr) == (3, "no port\n")


def test_pid_file(tmp_path):
    process.write_pid_file(str(tmp_path / "pid"))
    assert (tmp_path / "pid").read_text().endswith("\n")
    with pytest.raises(ConfigError, match="No such file or directory"):
        process.write_pid_file(str(tmp_path / "missing" / "pid"))


def test_cpu_percent_is_the_busy_share_since_the_last_look(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3\n")
    load = HostLoad(stat)
    stat.write_text("cpu  130 0 120 850 0 0 0 0 0 0\ncpu0 1 2 3\n")
    load.update()
    assert load.cpu_percent == 50.0


def test_words_of_the_command_line_are_hidden_from_others():
    code = ("import sys\nfrom controlplane import process\nprocess.hide_arguments(sys.argv[2:4])\n"
            "print(open('/proc/self/cmdline').read().split(chr(0))[3:], sys.argv[2:])")
    result = subprocess.run([sys.executable, "-c", code, "--redis", "hüsh", "other", "kept"], capture_output=True,
                            text=True, timeout=20, check=True)
    assert result.stdout == "['--redis', '*****', '*****', 'kept', ''] ['hüsh', 'other', 'kept']\n"
    process.hide_arguments([])
