# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings from their three sources: defaults, a section of the settings file, the command line."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from controlplane.config import argv, ini
from controlplane.config.ini import IniFile
from controlplane.config.faults import Faults
from controlplane.config.nearest import meant, nearest
from controlplane.config.option import Kind, Value
from controlplane.config.options import BY_NAME, BY_SHORT
from controlplane.config.options_process import DEFAULT_FILE
from controlplane.config.settings import ACTIONS, Settings
from controlplane.config.validate import validate
from controlplane.errors import ConfigError

_COMMAND_LINE_ONLY = {*ACTIONS, "config-file", "config-section"}
_NEEDS_NO_SETTINGS = {"help", "version", "codecs"}


def load(words: Sequence[str], default_file: str = DEFAULT_FILE) -> Settings:
    """Read the words behind the program name and the settings file they lead to.

    The default file may be missing, one named by ``--config-file`` may not. ConfigError names for each mistake file,
    line and key, or the command line option, and says what is wrong and what is allowed.
    """
    faults = Faults()
    settings = gather(words, faults, default_file)
    faults.settle()
    return settings


def gather(words: Sequence[str], faults: Faults, default_file: str = DEFAULT_FILE) -> Settings:
    """The same with what is wrong in ``faults``, and the defaults instead of it. ConfigError if there is no file."""
    secrets: list[str] = []
    given = argv.parse(words, secrets, faults)
    origin = dict.fromkeys(given, "command line")
    if _NEEDS_NO_SETTINGS & given.keys():
        return Settings(given, origin)
    path = str(given.get("config-file", default_file))
    file = _read_file(path, "config-file" in given, faults)
    values: dict[str, Value] = {}
    if file is not None:
        section = str(given.get("config-section", BY_NAME["config-section"].default))
        values, lines = _from_section(file, section, faults)
        origin = lines | origin
    settings = Settings(values | given, origin, file, again=partial(load, tuple(words), default_file),
                        secrets=tuple(secrets))
    validate(settings, faults)
    if file is not None:
        settings.warnings.extend(_overridden(file, section))
    return settings


def _overridden(file: IniFile, section: str) -> Iterator[str]:
    for key, entry in file.sections[section].items():
        if entry.instead_of:
            is_list = BY_NAME[key].kind is Kind.LIST
            yield (f"{file.path}:{entry.line}: {key} counts, and not that of line {entry.instead_of}"
                   + ("; several values stand in one line, with semicolons between them" if is_list else ""))


def _read_file(path: str, must_exist: bool, faults: Faults) -> IniFile | None:
    """Parse a settings file; None for ``none`` and for a missing one that need not exist. ConfigError otherwise."""
    if path == "none":
        return None
    try:
        with open(path, encoding="utf-8", newline="") as handle:
            return ini.parse(handle.read(), path, faults)
    except FileNotFoundError:
        if not must_exist:
            return None
        raise ConfigError(f"{path}: no such file; --config-file=none reads no file") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    except ValueError as error:
        raise ConfigError(f"--config-file: {error}") from None


def _from_section(file: IniFile, name: str, faults: Faults) -> tuple[dict[str, Value], dict[str, str]]:
    """Values and places by option. ConfigError, with all that is known to be wrong by then, without such a section."""
    if name not in file.sections:
        there = ", ".join(f"[{each[:64]}]" for each in list(file.sections)[:10]) or "none at all"
        raise ConfigError(*faults.reasons,
                          f"{file.path}: no section [{name}]; there is {there}{meant(name, file.sections)}")
    values: dict[str, Value] = {}
    origin: dict[str, str] = {}
    for key, entry in file.sections[name].items():
        place = f"{file.path}:{entry.line}"
        option = BY_NAME.get(key)
        if option is None:
            faults.add(f"{place}: [{name}] unknown key '{key[:64]}'{_hint(key)}", nearest(key, BY_NAME))
        elif option.name in _COMMAND_LINE_ONLY:
            faults.add(f"{place}: [{name}] '{key}' has a meaning on the command line only")
        else:
            origin[option.name] = place
            try:
                values[option.name] = option.from_file(entry.raw)
            except ValueError as error:
                faults.add(f"{place}: [{name}] {key}: {option.hidden(str(error), entry.raw)}", option.name)
    return values, origin


def _hint(key: str) -> str:
    if key in BY_SHORT:
        return f"; the long name is '{BY_SHORT[key].name}'"
    return meant(key.lstrip("-"), set(BY_NAME) - _COMMAND_LINE_ONLY)
