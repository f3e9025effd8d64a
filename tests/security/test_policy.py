"""Which sockets are closed: the rule, what overrides it, and what cannot be had by accident."""

import pytest

from osbrain import config
from osbrain._security.policy import (
    EXECUTING,
    RISK,
    checked_security,
    is_loopback,
    pickle_allowed,
    security_of,
)
from osbrain.errors import OptionInvalid, Unprotected

HERE, THERE = '127.0.0.1', '192.168.0.7'
HARMLESS = ('raw', 'json', 'msgpack')


@pytest.mark.parametrize('host', ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])
def test_these_lead_to_this_machine_alone(host):
    assert is_loopback(host)


@pytest.mark.parametrize('host', ['0.0.0.0', '::', '192.168.0.7', '::ffff:10.0.0.1', 'fe80::1', 'localhost', '', '*'])
def test_these_may_be_reached_from_elsewhere(host):
    assert not is_loopback(host)


@pytest.mark.parametrize('serializer', sorted(EXECUTING))
@pytest.mark.parametrize('host', [HERE, THERE, '0.0.0.0', None])
def test_what_executes_takes_messages_from_key_holders_only(serializer, host):
    assert security_of(None, 'tcp', host, serializer) == 'curve'


@pytest.mark.parametrize('serializer', HARMLESS)
def test_what_executes_nothing_is_open_on_this_machine_and_nowhere_else(serializer):
    assert security_of(None, 'tcp', HERE, serializer) == 'none'
    assert security_of(None, 'tcp', THERE, serializer) == 'curve'
    assert security_of(None, 'tcp', None, serializer) == 'curve'


@pytest.mark.parametrize('serializer', [*sorted(EXECUTING), *HARMLESS])
def test_files_are_closed_by_their_folder_and_memory_by_itself(serializer):
    assert security_of(None, 'ipc', None, serializer) == 'none'
    for wanted in (None, 'curve', 'none'):
        assert security_of(wanted, 'inproc', None, serializer) == 'none'


def test_what_is_asked_for_overrides_the_rule():
    assert security_of('curve', 'tcp', HERE, 'raw') == 'curve'
    assert security_of('curve', 'ipc', None, 'pickle') == 'curve'
    assert security_of('none', 'tcp', THERE, 'json') == 'none'


def test_the_setting_overrides_the_rule_and_is_overridden(monkeypatch):
    monkeypatch.setitem(config, 'SECURITY', 'curve')
    assert security_of(None, 'tcp', HERE, 'raw') == 'curve'
    assert security_of('none', 'tcp', HERE, 'raw') == 'none'
    monkeypatch.setitem(config, 'SECURITY', 'crve')
    with pytest.raises(OptionInvalid, match=r"osbrain\.config\['SECURITY'\] must be 'curve', 'none'.*'crve'"):
        security_of(None, 'ipc', None, 'raw')


@pytest.mark.parametrize('serializer', sorted(EXECUTING))
@pytest.mark.parametrize('host', [HERE, THERE])
def test_strangers_run_code_only_where_a_second_switch_says_so(monkeypatch, serializer, host):
    with pytest.raises(Unprotected, match='LET_STRANGERS_RUN_CODE'):
        security_of('none', 'tcp', host, serializer)
    monkeypatch.setitem(config, 'SECURITY', 'none')
    with pytest.raises(Unprotected):
        security_of(None, 'tcp', host, serializer)
    monkeypatch.setitem(config, RISK, True)
    assert security_of(None, 'tcp', host, serializer) == 'none'


@pytest.mark.parametrize('value', ['curve', 'none', None])
def test_what_may_be_asked_for(value):
    assert checked_security(value) == value


@pytest.mark.parametrize('value', ['crve', 'Curve', '', 'plain', True, 0, ['curve'], {}])
def test_what_is_misspelt_is_told_with_what_there_is(value):
    with pytest.raises(OptionInvalid, match="security must be 'curve', 'none', or None"):
        checked_security(value)


@pytest.mark.parametrize('value, allowed', [(None, True), ('', True), ('on', True), ('off', False), ('OFF', False)])
def test_the_environment_may_forbid_pickle(monkeypatch, value, allowed):
    monkeypatch.delenv('OSBRAIN_ALLOW_PICKLE', raising=False)
    if value is not None:
        monkeypatch.setenv('OSBRAIN_ALLOW_PICKLE', value)
    assert pickle_allowed() is allowed


@pytest.mark.parametrize('value', ['no', '0', 'false', ' off'])
def test_a_misspelt_prohibition_is_no_permission(monkeypatch, value):
    monkeypatch.setenv('OSBRAIN_ALLOW_PICKLE', value)
    with pytest.raises(OptionInvalid, match='OSBRAIN_ALLOW_PICKLE'):
        pickle_allowed()
