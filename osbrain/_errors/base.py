"""The root of all errors: facts that travel, and a sentence made of them."""

from __future__ import annotations

from typing import Any


class OsBrainError(Exception):
    """Root of the tree.

    Positional arguments are the facts, in order; :meth:`sentence` turns them into text. Once an error has crossed a
    process border, ``remote_text`` holds the longer text that came with it.
    """

    remote_text: str | None = None

    def sentence(self) -> str:
        """Write the error in one sentence that says what to do."""
        return ' '.join(str(part) for part in self.args)

    def __str__(self) -> str:
        return self.sentence() if self.remote_text is None else self.remote_text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[OsBrainError], args: tuple[Any, ...], fields: dict[str, Any]) -> OsBrainError:
    """Rebuild an unpickled error from its facts, whatever its constructor takes."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(fields)
    return error
