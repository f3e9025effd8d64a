"""The settings: where their defaults come from, and that they are read when they are needed."""

import os
from pathlib import Path

import pytest

import osbrain
from osbrain import _config
from osbrain._config import get_lease, get_linger, ipc_dir, start_method
from osbrain.errors import OptionInvalid

VARIABLES = ('SAFE', 'SERIALIZER', 'LINGER', 'TRANSPORT')


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process, and files go into the test's own folder."""


@pytest.fixture
def bare(monkeypatch):
    """An environment that says nothing."""
    for name in VARIABLES:
        monkeypatch.delenv(f'OSBRAIN_DEFAULT_{name}', raising=False)
    monkeypatch.delenv('OSBRAIN_START_METHOD', raising=False)
    monkeypatch.delenv('XDG_RUNTIME_DIR', raising=False)
    return monkeypatch


def test_defaults_are_those_of_0_6_5(bare):
    defaults = _config._defaults()
    assert {name: defaults[name] for name in (*VARIABLES, 'IPC_DIR')} == {
        'SAFE': True,
        'SERIALIZER': 'pickle',
        'LINGER': 1.0,
        'TRANSPORT': 'ipc' if os.name == 'posix' else 'tcp',
        'IPC_DIR': Path.home() / '.osbrain_ipc' if os.name == 'posix' else Path(),
    }
    assert type(defaults['LINGER']) is float


@pytest.mark.parametrize('text, value', [('false', False), ('False', True), ('0', True), ('', True), ('true', True)])
def test_safe_is_false_only_if_it_says_exactly_so(bare, text, value):
    bare.setenv('OSBRAIN_DEFAULT_SAFE', text)
    assert _config._defaults()['SAFE'] is value


def test_the_environment_says_otherwise(bare, tmp_path):
    bare.setenv('OSBRAIN_DEFAULT_SERIALIZER', 'json')
    bare.setenv('OSBRAIN_DEFAULT_LINGER', '0.5')
    bare.setenv('OSBRAIN_DEFAULT_TRANSPORT', 'tcp')
    bare.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    defaults = _config._defaults()
    assert (defaults['SERIALIZER'], defaults['LINGER'], defaults['TRANSPORT']) == ('json', 0.5, 'tcp')
    assert defaults['IPC_DIR'] == tmp_path / '.osbrain_ipc'


def test_a_linger_that_is_no_number_fails(bare):
    bare.setenv('OSBRAIN_DEFAULT_LINGER', 'long')
    with pytest.raises(ValueError, match='long'):
        _config._defaults()


def test_the_package_shows_the_dictionary_itself(bare):
    assert osbrain.config is _config.config
    assert type(osbrain.config) is dict


@pytest.mark.parametrize('seconds, milliseconds', [(0, 0), (0.5, 500), (1, 1000), (-1, -1), (-0.1, -1), (0.0004, 0)])
def test_linger_is_milliseconds_and_less_than_nothing_is_for_ever(seconds, milliseconds):
    assert get_linger(seconds) == milliseconds


def test_linger_is_read_when_it_is_needed(monkeypatch):
    monkeypatch.setitem(osbrain.config, 'LINGER', 2.5)
    assert get_linger() == 2500
    monkeypatch.setitem(osbrain.config, 'LINGER', -1)
    assert get_linger() == -1
    assert get_linger(0) == 0


def test_the_folder_of_sockets_is_made_on_first_use_for_the_owner_alone(monkeypatch, tmp_path):
    monkeypatch.setitem(osbrain.config, 'IPC_DIR', tmp_path / 'new' / 'ipc')
    assert ipc_dir() == tmp_path / 'new' / 'ipc'
    assert ipc_dir().stat().st_mode & 0o777 == 0o700


def test_the_folder_of_sockets_does_not_depend_on_where_others_work(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(osbrain.config, 'IPC_DIR', 'ipc')
    assert ipc_dir() == tmp_path / 'ipc'
    assert ipc_dir().is_dir()


def test_how_processes_start_can_be_chosen(bare):
    assert start_method() == ('forkserver' if os.name == 'posix' else 'spawn')
    bare.setenv('OSBRAIN_START_METHOD', 'spawn')
    assert start_method() == 'spawn'
    bare.setenv('OSBRAIN_START_METHOD', '')
    assert start_method() == ('forkserver' if os.name == 'posix' else 'spawn')
    bare.setenv('OSBRAIN_START_METHOD', 'thread')
    with pytest.raises(OptionInvalid, match="one of forkserver, spawn, fork, not 'thread'"):
        start_method()


@pytest.mark.parametrize('value', [0, -1, None, True, '5', float('nan'), float('inf')])
def test_a_lease_is_a_number_of_seconds_above_0(monkeypatch, value):
    monkeypatch.setitem(osbrain.config, 'LEASE', 2)
    assert get_lease() == 2.0
    monkeypatch.setitem(osbrain.config, 'LEASE', value)
    with pytest.raises(OptionInvalid, match='a number of seconds above 0'):
        get_lease()
