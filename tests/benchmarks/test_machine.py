"""What the numbers were measured on."""

import json

from benchmarks.machine import cpu_model, machine


def test_the_processor_has_the_name_that_the_system_tells(tmp_path):
    info = tmp_path / 'cpuinfo'
    info.write_text('processor\t: 0\nmodel name\t: Abacus 3: 2 rods\nprocessor\t: 1\nmodel name\t: Abacus 3: 2 rods\n')
    assert cpu_model(info) == 'Abacus 3: 2 rods'


def test_the_processor_has_a_name_where_the_system_tells_none(tmp_path):
    assert cpu_model(tmp_path / 'missing')


def test_the_facts_survive_json():
    facts = machine()
    assert json.loads(json.dumps(facts)) == facts
