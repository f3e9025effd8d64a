"""Modules that a new process would not find, and those that it will want soon."""

import importlib
import importlib.util
import sys

import pytest

from osbrain._launch.modules import adopt, orphans, worth_warming


@pytest.fixture
def load(monkeypatch):
    """Load a file as a module of any name, as test runners and plug-ins do."""

    def one(name, file):
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return one


def test_a_module_that_no_import_would_find_is_an_orphan_with_its_file(main, load, tmp_path):
    file = tmp_path / 'plugin.py'
    file.write_text('value = 3')
    load('house.plugin', file)
    load('plugin', file)
    found = orphans()
    assert found['house.plugin'] == found['plugin'] == str(file)


def test_modules_that_are_found_by_name_are_no_orphans(main, load, tmp_path, monkeypatch):
    file = tmp_path / 'findable.py'
    file.write_text('value = 3')
    monkeypatch.syspath_prepend(tmp_path)
    load('findable', file)
    found = orphans()
    assert not {'findable', 'osbrain', 'osbrain._launch.modules', 'json', 'sys', 'pytest'} & set(found)


def test_modules_that_have_gone_are_orphans_no_more(main, load, tmp_path):
    file = tmp_path / 'plugin.py'
    file.write_text('')
    load('plugin', file)
    assert 'plugin' in orphans()
    del sys.modules['plugin']
    assert 'plugin' not in orphans()


def test_adopted_modules_can_be_imported(restored, tmp_path):
    file = tmp_path / 'plugin.py'
    file.write_text('value = 3')
    adopt({'adopted_plugin': str(file)})
    try:
        assert importlib.import_module('adopted_plugin').value == 3
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module('another_plugin')
    finally:
        sys.modules.pop('adopted_plugin', None)


def test_adopted_modules_are_asked_for_last(restored, tmp_path):
    file = tmp_path / 'json.py'
    file.write_text('value = 3')
    adopt({'colorsys': str(file)})
    assert importlib.util.find_spec('colorsys').origin != str(file)
    before = list(sys.meta_path)
    adopt({})
    assert sys.meta_path == before


def test_what_the_script_uses_is_worth_warming(main):
    main('import json\nfrom fractions import Fraction\nfrom textwrap import dedent')
    assert {'fractions', 'json', 'textwrap'} <= set(worth_warming())


def test_parts_of_a_package_that_are_loaded_are_worth_warming_with_it(main):
    main('import json')
    assert {'json', 'json.decoder'} <= set(worth_warming())


def test_what_the_agent_s_class_uses_is_worth_warming(main, load, tmp_path):
    file = tmp_path / 'own.py'
    file.write_text('import fractions\nclass Base:\n    pass')
    module = load('own_module', file)
    main('')
    assert worth_warming() == []
    assert worth_warming(module.Base) == ['fractions']
    assert 'fractions' in worth_warming(type('Derived', (module.Base,), {}))


def test_what_the_script_s_own_modules_use_is_worth_warming_and_they_are_not(main, load, tmp_path):
    file = tmp_path / 'own.py'
    file.write_text('import json')
    load('own_module', file)
    main('import own_module')
    assert 'json' in worth_warming()
    assert 'own_module' not in worth_warming()


def test_own_modules_that_import_each_other_are_looked_at_once(main, load, tmp_path):
    for name in 'ab':
        (tmp_path / f'{name}.py').write_text('')
    one, other = load('own_a', tmp_path / 'a.py'), load('own_b', tmp_path / 'b.py')
    one.other, other.one, other.json = other, one, importlib.import_module('json')
    main('import own_a')
    assert worth_warming().count('json') == 1
    assert not {'own_a', 'own_b'} & set(worth_warming())


def test_neither_machinery_nor_what_is_built_in_is_worth_warming(main):
    main('import pytest, osbrain, builtins\nnumber = 3\ntext = "json"')
    assert worth_warming() == []
