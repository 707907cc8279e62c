# SPDX-License-Identifier: GPL-3.0-or-later
"""What every file of this project keeps to: length, headers, who may import whom."""
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("controlplane", "ctl", "kmod", "tests", "demo", "etc")
SKIPPED_FOLDERS = {"__pycache__", "build", "bin", "node_modules"}
GENERATED = {"_native.c", "xt_RTPENGINE.mod.c"}
FILE_LINES = 400
FUNCTION_LINES = 80

LAYERS = ("errors", "addresses", "events", "clock", "devlog", "log", "notify", "config",
          "sdp", "codec", "ice", "srtp", "dtls", "rtcp", "ng", "session", "persist", "relay", "dataplane", "ports",
          "store", "report", "exports", "recording", "cli", "servers")
ONLY = {"config": {"errors", "addresses"}, "devlog": set(), "log": {"devlog"}, "notify": set(), "clock": set(),
        "errors": set()}
PURE = {"sdp", "codec", "ice", "srtp", "dtls", "rtcp", "ng", "session", "persist"}
IMPURE_MODULES = {"asyncio", "socket", "os", "time", "random", "secrets", "threading", "subprocess", "select",
                  "selectors", "multiprocessing", "signal"}

UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b|^(?:<{7}|>{7}) ", re.MULTILINE)
PRIVATE_PATH = re.compile(r"(?<![\w.~}])/(?:work|home|root)/\w")
C_NOISE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|^[ \t]*#(?:\\\n|[^\n])*",
                     re.DOTALL | re.MULTILINE)


def files(*suffixes: str) -> list[Path]:
    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.name.startswith(".") and path.name not in SKIPPED_FOLDERS:
                yield from walk(path)
            elif path.is_file() and path.suffix in suffixes and path.name not in GENERATED:
                yield path
    own = [path for folder in FOLDERS if (ROOT / folder).is_dir() for path in walk(ROOT / folder)]
    return own + [path for path in sorted(ROOT.iterdir()) if path.is_file() and path.suffix in suffixes]


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), short(path))


def imports(path: Path) -> set[str]:
    """Full names of the modules a file imports; of ``from a import b`` both ``a`` and ``a.b``."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{short(path)}:{node.lineno}: imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def python_functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def c_functions(text: str) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function: braces at the outermost level behind a closing parenthesis."""
    text = C_NOISE.sub(lambda noise: " " * (noise[0].count("\n") == 0) + "\n" * noise[0].count("\n"), text)
    depth = start = 0
    name = ""
    for match in re.finditer(r"[{}]", text):
        if match[0] == "{":
            if depth == 0:
                start = match.start()
                head = re.split(r"[;}]", text[:start])[-1]
                called = re.search(r"(\w+)\s*\(", head)
                name = called[1] if called and head.rstrip().endswith(")") else ""
            depth += 1
        else:
            depth -= 1
            if depth == 0 and name:
                yield name, text.count("\n", start, match.start()) + 1


def layer(path: Path) -> str:
    return path.relative_to(ROOT / "controlplane").parts[0].removesuffix(".py")


def test_functions_of_c_files_are_found():
    text = ('#define A { \\\n (\nstruct s { int a; };\nstatic const int t[] = { 1, 2 };\n/* { */\n'
            'static int f(int a)\n{\n\tif (a) {\n\t\tg("{");\n\t}\n\treturn \'{\';\n}\nint h(void) { return 1; }\n')
    assert list(c_functions(text)) == [("f", 6), ("h", 1)]


def test_files_are_short():
    long = {short(path): lines for path in files(".py", ".c", ".h", ".sh")
            if (lines := len(path.read_text().splitlines())) > FILE_LINES}
    long.pop("kmod/uapi/rtpengine.h")   # an interface is one file, its manual included
    assert not long


def test_functions_fit_a_screen():
    long = {f"{short(path)}: {name}": lines for path in files(".py") for name, lines in python_functions(path)
            if lines > FUNCTION_LINES}
    long |= {f"{short(path)}: {name}": lines for path in files(".c", ".h")
             for name, lines in c_functions(path.read_text()) if lines > FUNCTION_LINES}
    assert not long


def test_every_source_file_names_its_licence():
    missing = []
    for path in files(".py", ".c", ".h", ".sh"):
        lines = path.read_text().splitlines()[:2]
        licences = "3.0"
        if path.suffix in (".c", ".h"):  # what is loaded into a kernel or an emulator has to be version 2
            licences = "2.0" if path.is_relative_to(ROOT / "kmod") else "[23].0"
        head = lines[1] if len(lines) == 2 and lines[0].startswith("#!") else "".join(lines[:1])
        if lines and path.name != "setup.py" and not re.search(
                rf"SPDX-License-Identifier: GPL-{licences}-or-later", head):
            missing.append(short(path))
    assert not missing


def test_modules_say_what_they_are_for():
    assert not [short(path) for path in files(".py") if path.is_relative_to(ROOT / "controlplane")
                and path.read_text().strip() and not ast.get_docstring(tree(path))]


def test_packages_import_only_what_lies_left_of_them():
    wrong = []
    for path in files(".py"):
        if not path.is_relative_to(ROOT / "controlplane") or path.parent == ROOT / "controlplane" \
                and path.name == "__init__.py":
            continue
        own = layer(path)
        if own not in LAYERS:
            assert path.parent == ROOT / "controlplane", f"the package of {short(path)} is in no layer"
            continue  # app.py and its parts, which lie to the right of everything
        allowed = ONLY.get(own, set(LAYERS[:LAYERS.index(own)])) | {own, "VERSION"}
        for name in imports(path):
            if name.startswith("controlplane.") and name.split(".")[1] not in allowed:
                wrong.append(f"{short(path)} imports {name}")
    assert not wrong


def test_pure_packages_do_no_input_output():
    assert not [f"{short(path)} imports {name}" for path in files(".py")
                if path.is_relative_to(ROOT / "controlplane") and layer(path) in PURE
                for name in imports(path) if name.split(".")[0] in IMPURE_MODULES]


def test_the_control_program_stands_alone():
    assert not [f"{short(path)} imports {name}" for path in files(".py") if path.is_relative_to(ROOT / "ctl")
                for name in imports(path) if name.split(".")[0] == "controlplane"]


def test_the_product_imports_no_test():
    assert not [short(path) for path in files(".py") if not path.is_relative_to(ROOT / "tests")
                and not path.is_relative_to(ROOT / "demo")
                for name in imports(path) if name.split(".")[0] == "tests"]


def test_no_error_is_swallowed():
    silent = []
    for path in files(".py"):
        if path.is_relative_to(ROOT / "tests"):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or isinstance(node.type, ast.Name) and node.type.id in (
                    "Exception", "BaseException")
                if node.type is None or broad and all(isinstance(each, ast.Pass) for each in node.body):
                    silent.append(f"{short(path)}:{node.lineno}")
    assert not silent


@pytest.mark.parametrize("pattern", [UNFINISHED, PRIVATE_PATH], ids=["unfinished", "private path"])
def test_nothing_is_left_lying_about(pattern):
    found = []
    for path in files(".py", ".c", ".h", ".sh", ".md", ".cfg", ".conf", ".service", ".cf", ".xml"):
        for match in pattern.finditer(path.read_text(errors="replace")):
            found.append(f"{short(path)}: {match[0]!r}")
    assert not found
