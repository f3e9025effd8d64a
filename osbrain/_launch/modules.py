"""Modules in a new process: which ones a warm process should have, and those that no search would find."""

from __future__ import annotations

import contextlib
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import sysconfig
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

# Parts of a notebook's or a test runner's own machinery, which no agent asks for.
_MACHINERY = frozenset(
    {'IPython', 'ipykernel', 'pytest', '_pytest', 'pluggy', 'xdist', 'execnet', '__main__', 'builtins'}
)

_known: dict[str, str | None] = {}
# The last answer of worth_warming(), for as long as nothing was imported.
_worth: dict[tuple[type | None, int], list[str]] = {}


def orphans() -> dict[str, str]:
    """Return loaded modules that no import by name would find (a test runner's, a plug-in's), with their files."""
    for name, module in list(sys.modules.items()):
        if name not in _known:
            _known[name] = _file_of_orphan(name, module)
    return {name: file for name, file in _known.items() if file is not None and name in sys.modules}


def _file_of_orphan(name: str, module: Any) -> str | None:
    file = getattr(module, '__file__', None)
    if not isinstance(file, str) or not file.endswith('.py') or name in ('__main__', '__mp_main__'):
        return None
    path = Path(file)
    stem = path.parent if path.name == '__init__.py' else path.with_suffix('')
    root = stem
    for part in reversed(name.split('.')):
        if root.name != part:
            return None if _found_elsewhere(name) else file
        root = root.parent
    on_path = any(Path(entry or '.').absolute() == root for entry in sys.path)
    return None if on_path or _found_elsewhere(name) else file


def _found_elsewhere(name: str) -> bool:
    """Whether a finder knows the module although its file is not where its name says (editable installs, for one)."""
    parent = sys.modules.get(name.rpartition('.')[0])
    path = getattr(parent, '__path__', None)
    for finder in sys.meta_path:
        with contextlib.suppress(Exception):
            if finder.find_spec(name, path) is not None:
                return True
    return False


class _Adoption(importlib.abc.MetaPathFinder):
    """Finds modules by the files that the starter had them from."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        file = self._files.get(fullname)
        return None if file is None else importlib.util.spec_from_file_location(fullname, file)


def adopt(files: dict[str, str]) -> None:
    """Let imports find these modules, after everything else has been asked."""
    if files:
        sys.meta_path.append(_Adoption(files))


def worth_warming(base: type | None = None) -> list[str]:
    """Return the installed modules that the script and the class *base* use, directly or through modules of their own.

    Imported once by a warm process, they are there at once in every process that it makes.
    """
    key = (base, len(sys.modules))
    if key not in _worth:
        _worth.clear()
        _worth[key] = _used_by_script_and(base)
    return _worth[key]


@functools.cache
def _installation() -> set[str]:
    """Return the folders that hold what is installed."""
    return {str(Path(sysconfig.get_path(key))) for key in ('stdlib', 'platstdlib', 'purelib', 'platlib')}


def _used_by_script_and(base: type | None) -> list[str]:
    installed = _installation()
    found: dict[str, None] = {}
    seen: set[int] = set()
    todo = [sys.modules.get('__main__'), *(sys.modules.get(cls.__module__) for cls in getattr(base, '__mro__', ()))]
    while todo:
        module = todo.pop()
        if module is None or id(module) in seen:
            continue
        seen.add(id(module))
        if _is_installed(module, installed):
            found[module.__name__] = None
            continue
        for value in list(vars(module).values()):
            name = _module_name(value)
            top = name.partition('.')[0]
            used = sys.modules.get(name)
            if (
                getattr(used, '__file__', None)
                and top not in _MACHINERY
                and not top.startswith('_')
                and top != 'osbrain'
            ):
                todo.append(used)
    # What was imported of a package beside its top: 'import scipy.stats' shows as 'scipy' in the script.
    tops = {name.partition('.')[0] for name in found}
    return [*found, *(name for name in list(sys.modules) if '.' in name and name.partition('.')[0] in tops)]


def _is_installed(module: ModuleType, folders: set[str]) -> bool:
    file = getattr(module, '__file__', None)
    return isinstance(file, str) and any(file.startswith(folder) for folder in folders)


def _module_name(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, (type, FunctionType)):
        return str(value.__module__)
    return ''
