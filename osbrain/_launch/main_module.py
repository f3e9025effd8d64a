"""What a new process sees as ``__main__``: the definitions of the script that started it, without running it again.

Messages refer to classes by module and name. A script's own classes are in ``__main__``, which in the new process is
another module: so the definitions go along, pickled one by one, and are made when somebody asks for them.
"""

from __future__ import annotations

import io
import pickle
import sys
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle

# A definition that drags more than this along (a function that uses a large table, say) stays at home.
_LARGEST = 1 << 20


class _TooLarge(Exception):
    pass


class _Limited(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > _LARGEST:
            raise _TooLarge
        return super().write(data)


def definitions_of_main() -> dict[str, bytes]:
    """Pack the classes and functions of ``__main__`` that can be pickled, and return them by name."""
    main = sys.modules.get('__main__')
    if isinstance(main, MainModule):
        return main.packed_definitions()
    definitions = {}
    for name, value in list(vars(main).items()) if main is not None else ():
        if not name.startswith('_') and isinstance(value, (type, FunctionType)) and value.__module__ == '__main__':
            packed = _pack(value)
            if packed:
                definitions[name] = packed
    return definitions


def _pack(value: Any) -> bytes:
    """Pack one definition, with what it uses now; nothing if that cannot be done."""
    stream = _Limited()
    try:
        cloudpickle.dump(value, stream, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:
        return b''
    return stream.getvalue()


class MainModule(ModuleType):
    """``__main__`` of a started process."""

    def __init__(self, packed: dict[str, bytes], file: str | None) -> None:
        super().__init__('__main__', 'Stands for the script that started this process.')
        self.__dict__['_packed'] = packed
        if file is not None:
            self.__dict__['__file__'] = file

    def packed_definitions(self) -> dict[str, bytes]:
        """Return the definitions as they came, to hand them on."""
        return dict(self.__dict__['_packed'])

    def adopt(self, base: Any) -> None:
        """Have those functions of the script that the class *base* uses: what it pickles by name has to be found here.

        Classes need no adoption: cloudpickle makes each of them once.
        """
        methods = [
            method
            for cls in getattr(base, '__mro__', ())
            if cls.__module__ == '__main__'
            for method in vars(cls).values()
            if isinstance(method, FunctionType)
        ]
        # Most share one: cloudpickle makes it once for all that travel together.
        for used in {id(method.__globals__): method.__globals__ for method in methods}.values():
            for name in self.__dict__['_packed'].keys() & used.keys():
                if isinstance(used[name], FunctionType):
                    self.__dict__.setdefault(name, used[name])

    def __getattr__(self, name: str) -> Any:
        packed = self.__dict__['_packed'].get(name)
        if packed is None:
            raise AttributeError(f"module '__main__' has no attribute {name!r} (in a process started by osbrain)")
        value = pickle.loads(packed)
        self.__dict__[name] = value
        return value
