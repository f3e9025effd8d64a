"""An agent sees configuration, environment and folder of its starter as they were at its start."""

import os
from pathlib import Path

import pytest

import osbrain
from osbrain import Agent, AgentProcess, NSProxy, Proxy, run_agent, run_nameserver
from osbrain.common import get_linger

HAND_OVERS = [None] + [pytest.param(method, marks=pytest.mark.new) for method in ('fork', 'forkserver', 'spawn')]


@pytest.fixture(params=HAND_OVERS)
def start_method(request, monkeypatch):
    """Each way of starting processes, and the one that comes by itself."""
    if request.param:
        monkeypatch.setenv('OSBRAIN_START_METHOD', request.param)
    return request.param


def look_around(agent):
    import osbrain

    return dict(osbrain.config), dict(os.environ), Path.cwd()


def set_config(agent, **items):
    import osbrain

    osbrain.config.update(items)


class Witness(Agent):
    """Notes what it finds when it is made, which is before anybody could tell it."""

    def on_init(self):
        self.seen = look_around(self)


def test_an_agent_inherits_the_state_at_its_start(start_method, nsproxy, monkeypatch, tmp_path):
    """Earlier changes are seen, by on_init already; later ones are not; each has its own."""
    for number, name in enumerate(('first', 'second')):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setitem(osbrain.config, 'LINGER', 0.5 + number)
        monkeypatch.setitem(osbrain.config, 'OWN_ITEM', {'number': number})
        monkeypatch.setitem(osbrain.config, 'IPC_DIR', folder)
        monkeypatch.setenv('OWN_VARIABLE', name)
        monkeypatch.delenv('XDG_RUNTIME_DIR', raising=False)
        monkeypatch.chdir(folder)
        run_agent(name, base=Witness)
    for number, name in enumerate(('first', 'second')):
        agent = Proxy(name)
        for config, environment, folder in (
            agent.get_attr('seen'),
            agent.execute_as_method(look_around),
        ):
            assert config == dict(
                osbrain.config,
                LINGER=0.5 + number,
                OWN_ITEM={'number': number},
                IPC_DIR=tmp_path / name,
            )
            assert environment['OWN_VARIABLE'] == name
            assert 'XDG_RUNTIME_DIR' not in environment
            assert folder.samefile(tmp_path / name)
        assert agent.execute_as_function(get_linger) == 500 + 1000 * number


def test_agent_process_inherits_as_run_agent_does(nsproxy, monkeypatch):
    """What counts is the moment of start(), not that of the constructor."""
    process = AgentProcess('a0', base=Witness)
    monkeypatch.setitem(osbrain.config, 'OWN_ITEM', 'late')
    monkeypatch.setenv('OWN_VARIABLE', 'late')
    process.start()
    config, environment, _ = Proxy('a0').get_attr('seen')
    assert (config['OWN_ITEM'], environment['OWN_VARIABLE']) == ('late', 'late')


def test_bind_consults_the_config_of_the_agents_process_each_time(nsproxy, monkeypatch):
    """An argument goes before the agent's default, that before the config of the moment."""
    monkeypatch.setitem(osbrain.config, 'SERIALIZER', 'json')
    monkeypatch.setitem(osbrain.config, 'TRANSPORT', 'tcp')
    plain, own = run_agent('plain'), run_agent('own', serializer='raw', transport='inproc')

    def facts(agent, **kwargs):
        address = agent.bind('PUSH', **kwargs)
        return address.serializer, address.transport

    monkeypatch.setitem(osbrain.config, 'SERIALIZER', 'dill')
    assert facts(plain) == ('json', 'tcp')
    assert facts(own) == ('raw', 'inproc')
    assert facts(own, serializer='json', transport='ipc') == ('json', 'ipc')
    for agent in (plain, own):
        agent.execute_as_method(set_config, SERIALIZER='cloudpickle', TRANSPORT='ipc')
    assert facts(plain) == ('cloudpickle', 'ipc')
    assert facts(own) == ('raw', 'inproc')
    assert osbrain.config['SERIALIZER'] == 'dill'


def test_ipc_files_are_made_in_the_folder_of_the_moment(nsproxy, tmp_path):
    agent = run_agent('a0', transport='ipc')
    agent.execute_as_method(set_config, IPC_DIR=tmp_path)
    address = agent.bind('PUSH', addr='here')
    assert address.address == tmp_path / 'here' and address.address.exists()
    agent.close_all()
    assert not address.address.exists()


def test_the_mode_of_a_proxy_is_read_from_the_config_of_its_maker(nsproxy, monkeypatch):
    run_agent('a0')
    for safe in (False, True):
        monkeypatch.setitem(osbrain.config, 'SAFE', safe)
        assert Proxy('a0')._default_safe is safe
        assert Proxy('a0')._safe is safe
        assert Proxy('a0', safe=not safe)._safe is not safe
        assert run_agent('a%s' % safe)._safe is safe
        assert run_agent('b%s' % safe, safe=not safe)._safe is not safe


def test_the_address_of_the_last_name_server_is_used_where_none_is_given(nsproxy, monkeypatch):
    """It is written by the start of a name server and read by each call that needs one."""
    variable = 'OSBRAIN_NAMESERVER_ADDRESS'
    monkeypatch.setenv(variable, os.environ[variable])
    assert os.environ[variable] == str(nsproxy.addr())
    second = run_nameserver()
    try:
        assert os.environ[variable] == str(second.addr()) != str(nsproxy.addr())
        run_agent('a0')
        run_agent('a1', nsproxy.addr())
        assert (second.agents(), nsproxy.agents()) == (['a0'], ['a1'])
        assert NSProxy() == second and Proxy('a0').nsaddr() == second.addr()
        monkeypatch.setenv(variable, str(nsproxy.addr()))
        assert NSProxy() == nsproxy and Proxy('a1').nsaddr() == nsproxy.addr()
        for falsy in (None, ''):
            run_agent('b%s' % falsy, falsy)
            assert NSProxy(falsy).addr() == nsproxy.addr() == Proxy('a1', falsy).nsaddr()
        assert set(nsproxy.agents()) == {'a1', 'bNone', 'b'}
    finally:
        second.shutdown()


@pytest.mark.new
def test_a_name_server_that_failed_to_start_leaves_no_address_behind(nsproxy):
    with pytest.raises(RuntimeError, match='Address already in use'):
        run_nameserver(nsproxy.addr())
    foreign = '203.0.113.1:12345'
    with pytest.raises(RuntimeError, match='OSError'):
        run_nameserver(foreign)
    assert os.environ['OSBRAIN_NAMESERVER_ADDRESS'] == str(nsproxy.addr())
