# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz a target, or give it inputs that are known.

``python -m tests.fuzz TARGET [CORPUS...] [-libfuzzer_option=value...]`` needs the package atheris.
``python -m tests.fuzz --once TARGET DIRECTORY`` needs nothing.
"""
import importlib
import sys
from pathlib import Path

TARGETS = {
    "bencode": "tests.fuzz.ng.fuzz_bencode",
    "json": "tests.fuzz.ng.fuzz_json",
    "flags": "tests.fuzz.ng.fuzz_flags",
    "stream": "tests.fuzz.ng.fuzz_stream",
    "message": "tests.fuzz.ng.fuzz_message",
    "sdp": "tests.fuzz.sdp.fuzz_parse",
    "crypto": "tests.fuzz.srtp.fuzz_crypto",
    "rtcp": "tests.fuzz.rtcp.fuzz_reports",
    "pages": "tests.fuzz.servers.fuzz_pages",
    "http": "tests.fuzz.servers.fuzz_http",
    "stun": "tests.fuzz.ice.fuzz_stun",
    "dtls": "tests.fuzz.dtls.fuzz_association",
}
"""By name: the module whose ``one_input`` takes the bytes, and raises for nothing but a finding."""


def once(target: str, directory: str) -> None:
    """Every file of a directory as an input."""
    one_input = importlib.import_module(TARGETS[target]).one_input
    paths = sorted(Path(directory).iterdir())
    for path in paths:
        try:
            one_input(path.read_bytes())
        except BaseException as error:
            error.add_note(f"the input: {path.read_bytes()!r}")
            raise
    print(len(paths), "inputs")


def fuzz() -> None:
    """Until something is found, or the options say it is enough."""
    import atheris
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["controlplane"]):
        target = importlib.import_module(TARGETS[name])
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        once(*sys.argv[2:])
    else:
        fuzz()
