"""Several agents asked for in one call, each by its name or by a dictionary: what both such calls check of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .errors import OptionInvalid, OsBrainError


def listed(what: str, specs: Any) -> list[Any]:
    """Return *specs* as a list; *what* is the argument's name."""
    if isinstance(specs, (str, bytes, Mapping)) or not isinstance(specs, Iterable):
        raise OptionInvalid(what, specs, 'several names or dictionaries, as in a list')
    return list(specs)


def arguments_of(where: str, spec: Any) -> dict[str, Any]:
    """Return the arguments that *spec* stands for; *where* says which of many it is."""
    if isinstance(spec, str):
        return {'name': spec}
    if not isinstance(spec, Mapping):
        raise OptionInvalid(where, spec, 'a name or a dictionary of arguments')
    return dict(spec)


def check_keys(where: str, arguments: Mapping[str, Any], allowed: Sequence[str]) -> None:
    """Refuse arguments that nobody knows."""
    for key in arguments:
        if key not in allowed:
            raise OptionInvalid(f'each key of {where}', key, 'one of ' + ', '.join(allowed))


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Have an error say *where* in what was asked for it is; it stays what it is otherwise, and the innermost wins."""
    try:
        yield
    except OsBrainError as error:
        if error.remote_text is None:
            error.remote_text = f'{error} ({where})'
        raise
