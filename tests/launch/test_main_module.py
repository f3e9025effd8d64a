"""What a script defines is there in a process that does not run the script again."""

import pickle
import sys

import pytest

from osbrain._launch.main_module import MainModule, definitions_of_main

SCRIPT = (
    'import json\n'
    'from collections import OrderedDict\n'
    '\n'
    'OFFSET = 3\n'
    '\n'
    'class Order:\n'
    '    def __init__(self, price):\n'
    '        self.price = price\n'
    '    def __eq__(self, other):\n'
    '        return type(self) is type(other) and self.price == other.price\n'
    '\n'
    'class Limit(Order):\n'
    '    pass\n'
    '\n'
    'def shifted(number):\n'
    '    return number + OFFSET\n'
    '\n'
    '_private = lambda: None\n'
)


def travelled(definitions, file=None):
    """The module as the new process has it: of what was pickled here, nothing else goes along."""
    return MainModule(pickle.loads(pickle.dumps(definitions)), file)


def test_the_script_s_own_classes_and_functions_go_along(main):
    main(SCRIPT)
    assert sorted(definitions_of_main()) == ['Limit', 'Order', 'shifted']


def test_they_are_made_when_somebody_asks_for_them_and_once(main):
    main(SCRIPT)
    module = travelled(definitions_of_main())
    assert 'Order' not in vars(module)
    assert module.Order is module.Order
    assert module.shifted(1) == 4
    assert module.Limit(2).price == 2


def test_messages_that_refer_to_the_script_s_classes_can_be_read(main, monkeypatch):
    script = main(SCRIPT)
    message = pickle.dumps([script.Order(1), script.Limit(2)])
    module = travelled(definitions_of_main())
    monkeypatch.setitem(sys.modules, '__main__', module)
    order, limit = pickle.loads(message)
    assert (type(order), type(limit)) == (module.Order, module.Limit)
    assert limit.price == 2


def test_a_name_that_did_not_go_along_is_an_error_that_says_where(main):
    module = travelled({}, '/script.py')
    with pytest.raises(AttributeError, match=r"'__main__' has no attribute 'typo' .*started by osbrain"):
        _ = module.typo
    assert not hasattr(module, '__wrapped__')
    assert module.__file__ == '/script.py'
    assert not hasattr(travelled({}), '__file__')


def test_definitions_that_cannot_be_pickled_stay_at_home(main):
    main('import threading\nlock = threading.Lock()\ndef locked():\n    return lock\ndef free():\n    return 1')
    assert list(definitions_of_main()) == ['free']


def test_definitions_that_drag_too_much_along_stay_at_home(main):
    main('table = bytes(2 << 20)\ndef large():\n    return table\ndef small():\n    return 1')
    assert list(definitions_of_main()) == ['small']


def test_a_process_hands_on_what_it_was_given(main, monkeypatch):
    main(SCRIPT)
    definitions = definitions_of_main()
    module = travelled(definitions)
    module.Order(1)
    monkeypatch.setitem(sys.modules, '__main__', module)
    assert definitions_of_main() == definitions


def test_a_definition_that_is_written_anew_goes_along_anew(main):
    main('def number():\n    return 1')
    definitions_of_main()
    main('def number():\n    return 2')
    assert travelled(definitions_of_main()).number() == 2


def test_a_definition_goes_along_with_what_it_uses_now(main):
    main('def answer():\n    return number()')
    definitions_of_main()
    main('def number():\n    return 42')
    assert travelled(definitions_of_main()).answer() == 42
