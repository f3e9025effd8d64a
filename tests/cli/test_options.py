"""What is accepted as an address, a host, a number of seconds."""

import socket
import threading

import click
import pytest

from osbrain import SocketAddress
from osbrain.cli import options

ADDRESSES = {
    '127.0.0.1:9090': ('127.0.0.1', 9090),
    ' 127.0.0.1:9090 ': ('127.0.0.1', 9090),
    'localhost:9090': ('127.0.0.1', 9090),
    ':9090': ('127.0.0.1', 9090),
    '9090': ('127.0.0.1', 9090),
    '[::1]:9090': ('::1', 9090),
    '0.0.0.0:65535': ('0.0.0.0', 65535),
}


@pytest.mark.parametrize('text', ADDRESSES)
def test_an_address_may_be_written_as(text):
    assert options.nameserver_address(text) == SocketAddress(*ADDRESSES[text])
    assert options.bind_address(text) == SocketAddress(*ADDRESSES[text])


def test_port_0_is_for_those_who_listen():
    assert options.bind_address('127.0.0.1:0').port == 0
    with pytest.raises(click.BadParameter, match='between 1 and 65535'):
        options.nameserver_address('127.0.0.1:0')


@pytest.mark.parametrize('text', ['', ':', 'localhost', '127.0.0.1:', 'a:b:c', '1.2.3.4:5:6', '::1:9090'])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(click.BadParameter):
        options.nameserver_address(text)


def test_a_host_that_nobody_can_look_up_in_time_is_refused(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *args, **kwargs: over.wait())
    monkeypatch.setattr(options, '_LOOKUP', 0.05)
    with pytest.raises(click.BadParameter, match='took more than'):
        options.nameserver_address('lab.example.org:9090')
    over.set()


@pytest.mark.parametrize('text', ['lab3', 'lab.example.org', '10.0.0.7', '::1', ' lab3 '])
def test_a_host_may_be_written_as(text):
    assert options.host(text) == text.strip()


@pytest.mark.parametrize('text', ['', ' ', 'lab3:9090', '10.0.0.7:1', '[::1]:1', 'lab:x'])
def test_what_is_no_host_is_refused(text):
    with pytest.raises(click.BadParameter):
        options.host(text)


@pytest.mark.parametrize('text', ['1', '0.5', '1e-3', '86400'])
def test_seconds_may_be_written_as(text):
    assert options.seconds(text) == options.seconds_above_0(text) == float(text)


@pytest.mark.parametrize('text', ['-1', '86401', 'nan', 'inf', '-inf', 'ten', ''])
def test_what_is_no_number_of_seconds_is_refused(text):
    for convert in (options.seconds, options.seconds_above_0):
        with pytest.raises(click.BadParameter, match='seconds'):
            convert(text)


def test_no_seconds_are_for_those_who_need_none():
    assert options.seconds('0') == 0
    with pytest.raises(click.BadParameter, match='more than 0'):
        options.seconds_above_0('0')


def test_a_storage_is_a_file_that_can_be_one(tmp_path):
    assert options.storage_file(tmp_path / 'names') == str(tmp_path / 'names')
    (tmp_path / 'text').write_text('this is no database, ' * 100)
    with pytest.raises(click.BadParameter, match='not a database'):
        options.storage_file(tmp_path / 'text')
