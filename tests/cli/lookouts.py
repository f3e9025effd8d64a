"""A lookout that sees what a test has made up, and agents that were never there."""

from osbrain._remote.errors import UnknownName
from osbrain.cli import view


class MadeUp:
    """Takes the place of a Lookout: *looks* one after the other, the last again and again."""

    def __init__(self, monkeypatch, *looks, **answers):
        self.looks, self.answers = list(looks), answers
        self.closed = False
        monkeypatch.setattr(view, 'Lookout', lambda address, patience: self)

    def look(self):
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(found, BaseException):
            raise found
        return found

    def ask(self, op, *args, names):
        return {name: self.answers.get(op, UnknownName(name)) for name in names}

    def close(self):
        self.closed = True
