"""Names the compiled parts; everything else is in setup.cfg, which cannot name them.

RTPENGINE_COMPILE=1 also compiles the Python modules that requests go through (mypyc), which makes them nearly twice as
fast. They are the same modules without it: nothing in them may depend on being compiled, or on not being. Nor does it
matter, but for speed, that replies are then encoded in C.
"""
import os
from glob import glob

from setuptools import Extension, setup

COMPILED = ("controlplane/ng/*.py", "controlplane/sdp/*.py", "controlplane/session/*.py", "controlplane/ports/*.py",
            "controlplane/dataplane/abi.py", "controlplane/dataplane/parts.py", "controlplane/dataplane/ledger.py",
            "controlplane/dataplane/indices.py", "controlplane/dataplane/watch.py",
            "controlplane/dataplane/program.py", "controlplane/dataplane/stats.py", "controlplane/dataplane/native.py",
            "controlplane/dataplane/relay.py", "controlplane/dataplane/nfqueue.py", "controlplane/report/counters.py",
            "controlplane/ice/*.py", "controlplane/srtp/*.py", "controlplane/dtls/*.py",
            "controlplane/servers/ng_udp.py", "controlplane/addresses.py", "controlplane/events.py",
            "controlplane/nglog.py", "controlplane/proxy.py", "controlplane/noting.py", "controlplane/storing.py")
NOT_COMPILED = ("/__init__.py", "/errors.py")
"""Nothing to gain, and exceptions that have attributes lose them."""


def compiled():
    """The extension modules made of Python modules, if they are wanted."""
    if os.environ.get("RTPENGINE_COMPILE") != "1":
        return []
    from mypyc.build import mypycify
    found = sorted({path for pattern in COMPILED for path in glob(pattern)})
    # Where a package is built nothing else is installed: nor may it count where something is.
    return [Extension("controlplane.ng._bencode", ["controlplane/ng/bencode.c"], py_limited_api=True),
            *mypycify(["--no-site-packages", *[path for path in found if not path.endswith(NOT_COMPILED)]],
                      opt_level="2", debug_level="0")]


setup(cffi_modules=["controlplane/relay/build.py:ffibuilder"], ext_modules=compiled())
