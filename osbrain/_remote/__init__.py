"""Reaches other processes: the only room that knows Pyro4."""

from . import settings as settings
