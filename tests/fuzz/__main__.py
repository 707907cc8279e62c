# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.fuzz TARGET [CORPUS...] [-libfuzzer_option=value...]``; needs the package atheris."""
import importlib
import sys

TARGETS = {
    "bencode": "tests.fuzz.ng.fuzz_bencode",
    "json": "tests.fuzz.ng.fuzz_json",
    "flags": "tests.fuzz.ng.fuzz_flags",
    "stream": "tests.fuzz.ng.fuzz_stream",
    "message": "tests.fuzz.ng.fuzz_message",
    "sdp": "tests.fuzz.sdp.fuzz_parse",
    "pages": "tests.fuzz.servers.fuzz_pages",
    "http": "tests.fuzz.servers.fuzz_http",
}
"""By name: the module whose ``one_input`` takes the bytes, and raises for nothing but a finding."""


def main() -> None:
    """Fuzz until something is found, or the options say it is enough."""
    import atheris
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["controlplane"]):
        target = importlib.import_module(TARGETS[name])
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
