"""NAME:ALIAS, where both may have colons in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain.cli.targets import Target, meant, splits

NAMES = st.text(st.characters(exclude_categories=['Cs']) | st.just(':'), min_size=1, max_size=8)


@given(NAMES, NAMES, st.sets(NAMES))
def test_what_is_written_out_is_among_the_ways_to_read_it(name, alias, others):
    text = f'{name}:{alias}'
    assert Target(name, alias) in splits(text)
    found = meant(text, {name, *others})
    assert f'{found.name}:{found.alias}' == text
    assert found.name in {name, *others}


def test_the_name_that_somebody_has_decides():
    assert meant('a:b:c', ['a:b', 'x']) == Target('a:b', 'c')
    assert meant('a:b:c', ['a', 'x']) == Target('a', 'b:c')
    assert meant('a:b:c', ['x']) == Target('a', 'b:c')


@pytest.mark.parametrize('text', ['', 'a', ':', 'a:', ':b'])
def test_what_names_no_socket_is_a_mistake(osbrain, server, text):
    result = osbrain('echo', '--nsaddr', server.local, '--', text)
    assert result.code == 2
    assert 'NAME:ALIAS is needed' in result.err
    assert result.err.count('\n') == 1
