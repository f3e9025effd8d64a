"""Where a contender runs: it finds the osbrain that it is to find, and its own folder."""

from pathlib import Path

from benchmarks.contender import Place

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path('folder')


def test_this_library_is_the_one_that_the_benchmarks_belong_to():
    assert Place(own=True).environment(FOLDER, {})['PYTHONPATH'] == str(ROOT)


def test_another_release_does_not_find_this_library():
    found = Place('python3.8', own=False).environment(FOLDER, {'PYTHONPATH': str(ROOT), 'PYTHONHOME': 'home'})
    assert not [name for name in found if name.startswith('PYTHON')]


def test_defaults_of_osbrain_are_not_changed_by_accident():
    outside = {'OSBRAIN_DEFAULT_SERIALIZER': 'json', 'OSBRAIN_NAMESERVER_ADDRESS': '127.0.0.1:1', 'PATH': 'bin'}
    found = Place().environment(FOLDER, outside)
    assert not outside.keys() & found.keys() - {'PATH'}
    assert found['PATH'] == 'bin'


def test_the_way_to_start_processes_may_be_chosen():
    found = Place().environment(FOLDER, {'OSBRAIN_START_METHOD': 'spawn'})
    assert found['OSBRAIN_START_METHOD'] == 'spawn'


def test_whatever_a_contender_writes_goes_to_its_folder():
    found = Place().environment(FOLDER, {'TMPDIR': 'elsewhere', 'XDG_RUNTIME_DIR': 'elsewhere'})
    assert (found['TMPDIR'], found['XDG_RUNTIME_DIR']) == ('folder', 'folder')
