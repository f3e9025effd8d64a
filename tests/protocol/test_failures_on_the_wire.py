"""A failure as a reply: the exception itself where code may travel, its words where it may not."""

import pytest

from osbrain._protocol.failures import dump_failure, load_failure
from osbrain._protocol.serializers import CODECS
from osbrain.errors import MessageUndecodable, RemoteError, UnknownAlias


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill'])
def test_an_exception_comes_back_as_its_own_type_with_its_facts(serializer):
    codec = CODECS[serializer]
    back = load_failure(codec, dump_failure(codec, raised(UnknownAlias('x', 'a0', ('y',)))))
    assert type(back) is UnknownAlias
    assert (back.alias, back.agent, back.known) == ('x', 'a0', ('y',))


@pytest.mark.parametrize('serializer', ['json', 'raw'])
@pytest.mark.parametrize('text', ['plain', '\u20ac \U0001f600', 'lone \ud800 surrogate', 'a\nb', ''], ids=ascii)
def test_where_no_code_may_travel_the_words_do(serializer, text):
    codec = CODECS[serializer]
    data = dump_failure(codec, raised(LookupError(text)))
    back = load_failure(codec, data)
    assert type(back) is RemoteError
    assert (back.type_name, back.text) == ('builtins.LookupError', text)


@pytest.mark.parametrize('serializer', sorted(CODECS))
@pytest.mark.parametrize('data', [b'', b'garbage', b'[]', b'[1, 2, 3, 4, 5]', b'\x80\x04N.'], ids=repr)
def test_an_answer_that_is_no_failure_is_an_exception_that_says_so(serializer, data):
    back = load_failure(CODECS[serializer], data)
    assert isinstance(back, (MessageUndecodable, RemoteError))
    assert str(back)


def test_what_ends_a_process_does_not_travel_as_such():
    codec = CODECS['pickle']
    back = load_failure(codec, dump_failure(codec, raised(SystemExit(3))))
    assert type(back) is RemoteError
    assert back.type_name == 'builtins.SystemExit'
