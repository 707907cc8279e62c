"""Names the C extension; everything else is in setup.cfg, which cannot name it."""
from setuptools import setup

setup(cffi_modules=["controlplane/relay/build.py:ffibuilder"])
