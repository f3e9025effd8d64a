"""Everything that a new process would have inherited goes along and is there when it begins."""

import multiprocessing
import os
import pickle
import sys
import threading
import types
import warnings
from pathlib import Path

import pytest

import osbrain
from osbrain._failures import Failure
from osbrain._launch import packet
from osbrain._launch.process import LaunchedProcess
from osbrain.errors import StartFailed


def given(process):
    """Become *process* here, and return it as the new process has it."""
    return packet._unpack(packet.pack(process))


def made(cls=LaunchedProcess, **attributes):
    process = cls()
    process.__dict__.update(attributes)
    return process


def test_the_process_is_there_with_its_class_its_name_and_what_it_was_given(main, restored):
    factor = 3

    class Local(LaunchedProcess):
        def work(self):
            return self.number * factor

    process = made(Local, number=4, action=lambda: factor)
    process.name = 'a0'
    back = given(process)
    assert type(back).__name__ == 'Local'
    assert (back.name, back.number, back.work(), back.action()) == ('a0', 4, 12, 3)


def test_the_new_process_knows_who_started_it(main, restored):
    back = given(made())
    assert (back._parent_pid, back._parent_name) == (os.getpid(), multiprocessing.current_process().name)


def test_environment_directory_path_and_arguments_are_those_of_the_start(main, restored, monkeypatch, tmp_path):
    monkeypatch.setenv('OSBRAIN_TEST_PACKET', 'as it was')
    monkeypatch.chdir(tmp_path)
    sys.path.append('/somewhere')
    sys.argv[:] = ['script.py', '--option']
    body = packet.pack(made())
    os.environ['OSBRAIN_TEST_PACKET'] = 'changed'
    os.environ['OSBRAIN_TEST_LATER'] = 'new'
    os.chdir('/')
    sys.path.remove('/somewhere')
    sys.argv[:] = ['other']
    packet._unpack(body)
    assert os.environ['OSBRAIN_TEST_PACKET'] == 'as it was'
    assert 'OSBRAIN_TEST_LATER' not in os.environ
    assert Path.cwd() == tmp_path
    assert '/somewhere' in sys.path
    assert sys.argv == ['script.py', '--option']


def test_the_configuration_is_that_of_the_start_in_the_same_dictionary(main, restored):
    config = osbrain.config
    config['SERIALIZER'] = 'json'
    config['OWN'] = lambda: 3
    body = packet.pack(made())
    config['SERIALIZER'] = 'raw'
    config['LATER'] = 1
    packet._unpack(body)
    assert osbrain.config is config
    assert (config['SERIALIZER'], config['OWN']()) == ('json', 3)
    assert 'LATER' not in config


def test_the_script_s_definitions_go_along(main, restored):
    script = main('class Order:\n    pass\ndef number():\n    return 3')
    script.__file__ = '/script.py'
    given(made())
    new = sys.modules['__main__']
    assert new is not script
    assert (new.number(), new.__file__) == (3, '/script.py')


def test_warnings_are_treated_as_in_the_starter(main, restored):
    warnings.simplefilter('error', UserWarning)
    body = packet.pack(made())
    warnings.resetwarnings()
    packet._unpack(body)
    with pytest.raises(UserWarning, match='seen'):
        warnings.warn('seen', UserWarning, stacklevel=1)


def test_a_folder_that_is_gone_does_not_hinder_the_start(main, restored, tmp_path):
    (tmp_path / 'gone').mkdir()
    os.chdir(tmp_path / 'gone')
    (tmp_path / 'gone').rmdir()
    body = packet.pack(made())
    os.chdir('/')
    packet._unpack(body)
    assert Path.cwd() == Path('/')


@pytest.mark.parametrize('where', ['attribute', 'config'])
def test_what_cannot_be_pickled_is_an_error_that_says_why(main, restored, where):
    process = made(name_of_it='a0')
    if where == 'attribute':
        process.lock = threading.Lock()
    else:
        osbrain.config['LOCK'] = threading.Lock()
    with pytest.raises(StartFailed, match='must be picklable') as caught:
        packet.pack(process)
    assert 'lock' in str(caught.value)
    assert caught.value.name == process.name


def test_what_multiprocessing_keeps_for_itself_stays_at_home():
    process = made(number=1)
    state = process.state()
    assert state['number'] == 1
    assert not {'_popen', '_ahead', '_back', '_parent_pid'} & set(state)


def test_a_packet_that_cannot_be_opened_is_told_to_the_starter(main, restored):
    ahead, back = multiprocessing.Pipe(duplex=False)
    with ahead, back:
        assert packet.run(b'garbage', os.dup(back.fileno())) == 1
        assert ahead.poll(5)
        word, facts = ahead.recv()
    assert word == 'failed'
    assert isinstance(Failure(*facts).rebuild(), pickle.UnpicklingError)


def test_a_class_that_the_new_process_cannot_make_is_told_to_the_starter(main, restored, monkeypatch):
    module = types.ModuleType('vanishing')
    exec('class Base:\n    pass', vars(module))
    monkeypatch.setitem(sys.modules, 'vanishing', module)
    body = packet.pack(made(thing=module.Base()))
    del sys.modules['vanishing']
    ahead, back = multiprocessing.Pipe(duplex=False)
    with ahead, back:
        assert packet.run(body, os.dup(back.fileno())) == 1
        word, facts = ahead.recv()
    assert word == 'failed'
    assert 'vanishing' in str(Failure(*facts).rebuild())


def test_a_starter_that_is_gone_does_not_matter(main, restored):
    ahead, back = multiprocessing.Pipe(duplex=False)
    ahead.close()
    with back:
        assert packet.run(b'garbage', os.dup(back.fileno())) == 1
