"""What has changed, and nothing else, is sent; whoever merges it has what there is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from osbrain.dashboard.patches import known_only, merge_patch

LEAVES = st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
VALUES = st.dictionaries(
    st.text(max_size=2), st.recursive(LEAVES, lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3))
)


def merged(target, patch):
    """As RFC 7396, section 2, writes it down."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@settings(derandomize=True, database=None, deadline=None)
@given(VALUES, VALUES)
def test_merging_what_has_changed_gives_what_there_is(before, after):
    assert merged(before, merge_patch(before, after)) == after


@settings(derandomize=True, database=None, deadline=None)
@given(VALUES)
def test_of_what_is_the_same_nothing_is_said(value):
    assert merge_patch(value, value) == {}


def test_only_the_field_that_has_changed_is_sent():
    before = {'agents': {'a': {'sent': 1, 'state': 'running'}, 'b': {'sent': 2}}}
    after = {'agents': {'a': {'sent': 3, 'state': 'running'}}}
    assert merge_patch(before, after) == {'agents': {'a': {'sent': 3}, 'b': None}}


def test_what_is_not_known_is_left_out():
    assert known_only(pid=0, reason=None, state='running') == {'pid': 0, 'state': 'running'}
