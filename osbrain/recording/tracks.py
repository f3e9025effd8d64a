"""What one channel of a recording holds: how that is written into the file, so that other tools understand it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: What the header of a recording says of its form: what is written differently one day has another number.
PROFILE = 'osbrain/1'

# What is in a message that says for itself how it is built (https://mcap.dev/spec/registry).
_SELF_DESCRIBING = ('', b'')
_PROSE = 'text/plain'
#: Serializer -> encoding and text of the schema. What a program in another language cannot know is told in words.
SCHEMAS: dict[str, tuple[str, bytes]] = {
    'json': _SELF_DESCRIBING,
    'msgpack': _SELF_DESCRIBING,
    'raw': (_PROSE, b'Bytes, as they were sent.'),
    'pickle': (_PROSE, b'A Python object: pickle.loads(data), which runs what its sender wrote.'),
    'cloudpickle': (_PROSE, b'A Python object: pickle.loads(data), which runs what its sender wrote.'),
    'dill': (_PROSE, b'A Python object: dill.loads(data), which runs what its sender wrote.'),
}

_FACTS = ('agent', 'alias', 'kind', 'serializer', 'direction', 'what')
# How a topic that is no text is written: hexadecimal digits.
_HEX = 'hex'
# How many bytes say how long the topic is in front of a message, where there are too many for channels of their own.
_LENGTH = 4
_IN_MESSAGES = 'each message begins with the length of its topic (4 bytes, little-endian), and the topic'


@dataclass(frozen=True)
class Track:
    """What went through one socket of one agent, in one direction and under one topic.

    ``agent``, ``alias``, ``kind`` and ``serializer`` are those of the socket; ``direction`` is ``'out'`` or ``'in'``,
    ``what`` is ``'message'``, ``'request'``, ``'reply'``, ``'failure'`` or ``'task'``. Of a channel that another
    program has written, ``serializer`` is the encoding it names, and the other texts are empty.
    """

    agent: str
    alias: str
    kind: str
    serializer: str
    direction: str
    what: str
    #: As a handler gets it; ``None`` where there are so many that each message carries its own.
    topic: bytes | None = b''

    @property
    def title(self) -> str:
        """The name of the channel, which people see first in other tools."""
        kind = '' if (self.direction, self.what) == ('out', 'message') else f' ({self.what} {self.direction})'
        if self.topic is None:
            return f'{self.agent}:{self.alias}/*{kind}'
        topic = '/' + self.topic.decode('utf-8', 'backslashreplace') if self.topic else ''
        return f'{self.agent}:{self.alias}{topic}{kind}'

    @property
    def metadata(self) -> dict[str, str]:
        """The track as texts, for the channel's metadata."""
        facts = {name: getattr(self, name) for name in _FACTS}
        if self.topic is None:
            return {**facts, 'topics': _IN_MESSAGES}
        try:
            return {**facts, 'topic': self.topic.decode()}
        except UnicodeDecodeError:
            return {**facts, 'topic': self.topic.hex(), 'topic_encoding': _HEX}

    def with_topic(self, topic: bytes, body: bytes) -> bytes:
        """Return the message as it is written on this track."""
        return body if self.topic is not None else len(topic).to_bytes(_LENGTH, 'little') + topic + body

    def without_topic(self, data: bytes) -> tuple[bytes, bytes]:
        """Undo :meth:`with_topic`: return topic and message."""
        if self.topic is not None:
            return self.topic, data
        end = _LENGTH + int.from_bytes(data[:_LENGTH], 'little')
        return data[_LENGTH:end], data[end:]


def foreign(title: str, encoding: str) -> Track:
    """Return what a channel of another program's file holds: all that is known is a topic and an encoding."""
    return Track('', '', '', encoding, '', 'message', title.encode())


def track_of(metadata: Mapping[str, str]) -> Track:
    """Undo :attr:`Track.metadata`; ``ValueError`` if a topic is not what it says."""
    topic: bytes | None = None
    if 'topics' not in metadata:
        text = metadata.get('topic', '')
        topic = bytes.fromhex(text) if metadata.get('topic_encoding') == _HEX else text.encode()
    agent, alias, kind, serializer, direction, what = (metadata.get(name, '') for name in _FACTS)
    return Track(agent, alias, kind, serializer, direction, what, topic)
