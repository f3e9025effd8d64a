"""Keys are derived as RFC 5869 says, and the secret shows itself nowhere."""

import copy
import inspect
import pickle
import pprint
import traceback

import cloudpickle
import dill
import pytest

from osbrain._security.derivation import hkdf
from osbrain._security.key import IDENTIFIER_SIZE, KEY_SIZE, ClusterKey

SECRET = bytes(range(100, 132))

LONG = (
    'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09'
    'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87'
)
# RFC 5869, appendix A, the three cases with SHA-256.
VECTORS = {
    'A.1': (
        '0b' * 22,
        '000102030405060708090a0b0c',
        'f0f1f2f3f4f5f6f7f8f9',
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    ),
    'A.2': (
        ''.join(f'{byte:02x}' for byte in range(0x50)),
        ''.join(f'{byte:02x}' for byte in range(0x60, 0xB0)),
        ''.join(f'{byte:02x}' for byte in range(0xB0, 0x100)),
        LONG,
    ),
    'A.3': (
        '0b' * 22,
        '',
        '',
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    ),
}


@pytest.mark.parametrize('case', VECTORS)
def test_keys_are_derived_as_the_rfc_says(case):
    secret, salt, purpose, made = map(bytes.fromhex, VECTORS[case])
    assert hkdf(secret, purpose, salt, len(made)) == made


def test_no_more_is_derived_than_the_rfc_allows():
    assert len(hkdf(SECRET, b'', length=255 * 32)) == 8160
    with pytest.raises(ValueError, match='8160 are the most'):
        hkdf(SECRET, b'', length=8161)


def test_each_purpose_and_each_salt_has_a_key_of_its_own():
    key = ClusterKey(SECRET)
    made = {key.derive('one'), key.derive('two'), key.derive('one', b'salt'), ClusterKey(bytes(32)).derive('one')}
    assert len(made) == 4
    assert key.derive('one') == ClusterKey(SECRET).derive('one')
    assert len(key.derive('one', length=100)) == 100


def test_a_new_key_is_another_each_time():
    assert len({ClusterKey.new() for _ in range(10)}) == 10


def test_what_is_shorter_is_no_key():
    with pytest.raises(ValueError, match='at least 32 bytes'):
        ClusterKey(SECRET[:-1])


def test_the_fingerprint_tells_keys_apart_and_is_no_part_of_them():
    key = ClusterKey(SECRET)
    assert len(key.identifier) == IDENTIFIER_SIZE
    assert key.fingerprint.replace('-', '') == key.identifier.hex()
    assert key.identifier not in SECRET
    assert key.fingerprint != ClusterKey.new().fingerprint


def test_equal_are_keys_of_the_same_secret():
    assert ClusterKey(SECRET) == ClusterKey(SECRET)
    assert hash(ClusterKey(SECRET)) == hash(ClusterKey(SECRET))
    assert ClusterKey(SECRET) != ClusterKey.new()
    assert ClusterKey(SECRET) != SECRET


def shown(text):
    """Whether *text* shows the secret in one of the ways in which bytes are shown."""
    inside = repr(SECRET)[2:-1]
    return any(form in text for form in (SECRET.hex(), SECRET.hex().upper(), inside, SECRET.decode('latin-1')))


def test_the_test_itself_finds_the_secret():
    assert shown(repr([SECRET])) and shown(SECRET.decode('latin-1')) and shown(ClusterKey(SECRET).written())


@pytest.mark.parametrize('show', [repr, str, ascii, pprint.pformat, '{}'.format, '{0!r:>50}'.format])
def test_no_way_to_show_a_key_shows_the_secret(show):
    key = ClusterKey(SECRET)
    assert not shown(show(key))
    assert not shown(show({'key': [key]}))
    assert key.fingerprint in show(key)


@pytest.mark.parametrize('module', [pickle, cloudpickle, dill], ids=['pickle', 'cloudpickle', 'dill'])
@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_is_not_pickled(module, protocol):
    key = ClusterKey(SECRET)
    for value in (key, [key], lambda: key) if module is cloudpickle and protocol else (key, [key]):
        with pytest.raises(TypeError, match='does not leave its process'):
            module.dumps(value, protocol)


@pytest.mark.parametrize('take', [copy.copy, copy.deepcopy, lambda key: key.__getstate__()])
def test_a_key_is_not_taken_apart(take):
    with pytest.raises(TypeError, match='does not leave its process'):
        take(ClusterKey(SECRET))


def test_a_key_has_no_variables_to_list():
    with pytest.raises(TypeError):
        vars(ClusterKey(SECRET))


def test_written_is_the_only_public_way_out():
    key = ClusterKey(SECRET)
    names = [name for name in dir(key) if not name.startswith('_')]
    assert names == ['derive', 'fingerprint', 'identifier', 'new', 'written']
    for name, value in inspect.getmembers(key):
        if name not in ('_secret', 'written'):
            assert not shown(repr(value))
    assert bytes.fromhex(key.written()) == SECRET


def test_a_traceback_that_shows_variables_does_not_show_the_secret():
    def fail(key):
        raise ValueError('on purpose')

    with pytest.raises(ValueError) as caught:
        fail(ClusterKey(SECRET))
    text = ''.join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert 'ClusterKey' in text
    assert not shown(text)
    assert KEY_SIZE == len(SECRET)
