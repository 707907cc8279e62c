# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the kernel's checkpatch over kmod/, from Debian's sources: `python -m tests.kernel.debug.style`."""
import subprocess
import sys
import tempfile

from tests.kernel.archive import PrepareError
from tests.kernel.build import ROOT
from tests.kernel.debug.build import source_tree

# what files that are compiled in user space as well, or without the kernel's headers, do in another way; and test
# vectors in lines; and macros that are one of several statements each
IGNORED = ("ARRAY_SIZE", "COMPLEX_MACRO", "MEMORY_BARRIER", "NEW_TYPEDEFS", "PREFER_DEFINED_ATTRIBUTE_MACRO",
           "TYPECAST_INT_CONSTANT", "SPLIT_STRING", "MISSING_SPACE",
           "MULTISTATEMENT_MACRO_USE_DO_WHILE", "TRAILING_SEMICOLON")
TYPES = "RTPE_RCU\nrtpe_v2\nrtpe_v4\nrtpe_v8\n"       # what checkpatch does not know as attribute or type


def main() -> int:
    """Prints the complaints; 1 if there are any."""
    try:
        tree = source_tree()
    except PrepareError as e:
        print(e, file=sys.stderr)
        return 1
    files = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "kmod").rglob("*.[ch]") if not p.name.endswith(".mod.c"))
    command = ["perl", str(tree / "scripts/checkpatch.pl"), "--no-tree", "--terse", "--show-types", "--no-summary",
               "--max-line-length=120", f"--ignore={','.join(IGNORED)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".types") as types:
        types.write(TYPES)
        types.flush()
        done = subprocess.run([*command, f"--typedefsfile={types.name}", "--file", *files], cwd=ROOT, check=False)
    print(f"checkpatch: {len(files)} files, {'complaints' if done.returncode else 'nothing to complain of'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
