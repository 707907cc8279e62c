# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.cli.jsontext import error
from controlplane.servers.access import REFUSED
from ctl.replies import is_failure


@pytest.mark.parametrize("reply", [
    "Unknown command: nosuch\n", "Incomplete command: \n", "More parameters required.\n",
    "Fail setting timeout to abc; no digits found\n", "Invalid delete-delay value\n", "No such call 'x'\n",
    "\nCall ID not found (x).\n\n", "\nCall Id not found (x).\n\n", "Call ID 'x' not found\n",
    "No call ID specified\n", "Invalid on/off flag ('foo') specified\n",
    "Keyspace notification feature has not been configured.\n",
    "Setting maxcpu is not available yet: nothing was changed.\n",
    "The option redis-cmd-timeout is not available yet.\n",
    "This needs the secret: a line 'auth SECRET' before the command\n", f"{REFUSED}\n", error(REFUSED),
    "HTTP/1.0 400 Bad Request\r\n", "HTTP/1.1 501 Not Implemented\r\n"])
def test_failures(reply: str) -> None:
    assert is_failure(reply)


@pytest.mark.parametrize("reply", [
    "", "TIMEOUT=60\n", "No sessions on this media relay.\n", "Success setting timeout to 5\n",
    "\nCall Id (x) successfully terminated by operator.\n\n", "All calls terminated by operator.\n",
    "max-sessions: -1 => 500\n", "\nStatistics over currently running sessions:\n",
    "Maximum sessions configured on rtpengine: -1\n", "No stats entries\n",
    "\ncallid: Unknown command: x is not available yet\n"])
def test_successes(reply: str) -> None:
    assert not is_failure(reply)
