"""Files in the format MCAP (https://mcap.dev/spec): the only module that imports the package, which is an extra."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Header, Message
from mcap.stream_reader import breakup_chunk
from mcap.writer import Writer

from ..errors import RecordingInvalid
from .tracks import PROFILE

__all__ = ['Channel', 'Container', 'Message', 'new_writer']

_MAGIC = b'\x89MCAP0\r\n'
# The byte in it that says the version.
_VERSION = 5
# Each record begins with what it is and how many bytes follow.
_HEAD = struct.Struct('<BQ')
_FOOTER = struct.Struct('<QQI')
_COMPRESSIONS = ('', 'lz4', 'zstd')
_OURS = PROFILE.rpartition('/')[0]

_Record = tuple[int, bytes]


def new_writer(stream: BinaryIO) -> Any:
    """Begin a file on *stream*."""
    # The package does not say what its functions return.
    writer: Any = Writer(stream)
    writer.start(profile=PROFILE, library=_OURS)
    return writer


class Container:
    """A file, of which all that is whole is read: each record says how long it is, each chunk has a checksum.

    :class:`~osbrain.errors.RecordingInvalid` if there is nothing to be read, ``OSError`` if it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open('rb') as stream:
            self._check_magic(stream.read(len(_MAGIC)))
            #: Whether osbrain has written it.
            self.ours = self._check_header(stream)
            self._data = stream.tell()
            #: Whether whoever wrote it came to the end.
            self.complete = _ends_well(stream)
            # All channels there are. In a file that was cut off they come to light when their messages do.
            self._channels = _summarized(stream) if self.complete else {}

    def _invalid(self, why: str) -> NoReturn:
        raise RecordingInvalid(str(self.path), why)

    def _check_magic(self, found: bytes) -> None:
        if found == _MAGIC:
            return
        if not found:
            self._invalid('it is empty')
        if _MAGIC.startswith(found):
            self._invalid('it was cut off in its first line')
        if len(found) == len(_MAGIC) and found[:_VERSION] == _MAGIC[:_VERSION]:
            self._invalid(f'it is MCAP of version {found[_VERSION : _VERSION + 1]!r}, and known here is {b"0"!r}')
        self._invalid('it is no MCAP file')

    def _check_header(self, stream: BinaryIO) -> bool:
        opcode, content = next(_records(stream), (0, b''))
        try:
            profile = Header.read(_stream(content)).profile if opcode == Opcode.HEADER else None
        except Exception:
            profile = None
        if profile is None:
            self._invalid('it was cut off, or damaged, in its first lines')
        if profile != PROFILE and profile.rpartition('/')[0] == _OURS:
            self._invalid(f'it has the form {profile!r}, and known here is {PROFILE!r}: a later osbrain can read it')
        return bool(profile == PROFILE)

    def messages(self, on_damage: Callable[[str], object]) -> Iterator[tuple[Channel, Message]]:
        """All messages that are whole, each with its channel, as they were written.

        *on_damage* is told of each part that had to be left out, except for the end of a file that was cut off.
        """
        channels = dict(self._channels)
        for part in self._parts(on_damage):
            if isinstance(part, Channel):
                channels[part.id] = part
            elif part.channel_id in channels:
                yield channels[part.channel_id], part
            else:
                on_damage('a message is of a channel whose description is lost')

    def channels(self) -> list[Channel]:
        """All channels; in a file that was not finished they have to be looked for."""
        if self._channels:
            return list(self._channels.values())
        return [part for part in self._parts(lambda _: None) if isinstance(part, Channel)]

    def _parts(self, on_damage: Callable[[str], object]) -> Iterator[Channel | Message]:
        """All channels and messages that are whole, as they were written."""
        with self.path.open('rb') as stream:
            stream.seek(self._data)
            for opcode, content in _records(stream):
                if opcode == Opcode.DATA_END:
                    return
                try:
                    parts = _parts(opcode, content)
                except Exception as error:
                    where = stream.tell() - len(content)
                    on_damage(f'the part at byte {where:,} is damaged ({type(error).__name__}: {error})')
                else:
                    yield from parts
            if self.complete:
                on_damage(f'from byte {stream.tell():,} on it is damaged')


def _records(stream: BinaryIO) -> Iterator[_Record]:
    """All whole records from where *stream* is; it is left behind the last of them."""
    size = os.fstat(stream.fileno()).st_size
    while True:
        begin = stream.tell()
        head = stream.read(_HEAD.size)
        if len(head) == _HEAD.size:
            opcode, length = _HEAD.unpack(head)
            # Asked before reading: a length that is damaged may be any number.
            if length <= size - begin - len(head):
                yield opcode, stream.read(length)
                continue
        stream.seek(begin)
        return


def _parts(opcode: int, content: bytes) -> list[Channel | Message]:
    """Channels and messages in a record."""
    if opcode == Opcode.CHUNK:
        chunk = Chunk.read(_stream(content))
        if chunk.compression not in _COMPRESSIONS:
            raise ValueError(f'compressed by {chunk.compression!r}, which is not known here')
        return [part for part in breakup_chunk(chunk, validate_crc=True) if isinstance(part, (Channel, Message))]
    if opcode == Opcode.CHANNEL:
        return [Channel.read(_stream(content))]
    if opcode == Opcode.MESSAGE:
        return [Message.read(_stream(content), len(content))]
    return []


def _ends_well(stream: BinaryIO) -> bool:
    """Whether the file ends with a footer and the magic bytes, as one does that was finished."""
    end = _HEAD.size + _FOOTER.size + len(_MAGIC)
    if stream.seek(0, os.SEEK_END) < len(_MAGIC) + end:
        return False
    stream.seek(-end, os.SEEK_END)
    tail = stream.read()
    return tail.startswith(_HEAD.pack(Opcode.FOOTER, _FOOTER.size)) and tail.endswith(_MAGIC)


def _summarized(stream: BinaryIO) -> dict[int, Channel]:
    """All channels of a file that was finished, from its summary, if it has one."""
    channels: dict[int, Channel] = {}
    stream.seek(-_FOOTER.size - len(_MAGIC), os.SEEK_END)
    begin = _FOOTER.unpack(stream.read(_FOOTER.size))[0]
    # What is damaged there shows when the messages are read: their channels are described where they are, too.
    with contextlib.suppress(Exception):
        if begin:
            stream.seek(begin)
            for opcode, content in _records(stream):
                if opcode == Opcode.CHANNEL:
                    channel = Channel.read(_stream(content))
                    channels[channel.id] = channel
    return channels


def _stream(content: bytes) -> ReadDataStream:
    return ReadDataStream(BytesIO(content))
