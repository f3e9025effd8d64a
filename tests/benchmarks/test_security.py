"""What CURVE costs is measured with the same works three ways, and shown as ratios."""

import io

from rich.console import Console

from benchmarks import security
from benchmarks.measurement import Outcome
from benchmarks.security import WAYS, WORKS, main, measured, table


def test_each_work_is_done_each_way_in_turn(monkeypatch):
    asked = []

    def measure(place, script, arguments):
        asked.append((script, arguments, dict(place.settings)))
        return Outcome({'value': 100.0})

    monkeypatch.setattr(security, 'measure', measure)
    values = measured(2, quick=True)
    assert {name: {way: len(found) for way, found in ways.items()} for name, ways in values.items()} == {
        work.name: dict.fromkeys(WAYS, 2) for work in WORKS
    }
    assert asked[:3] == [
        ('agents_requests.py', ['req_rep', f'transport={transport}', 'count=2500'], settings)
        for transport, settings in zip(('ipc', 'tcp', 'tcp'), WAYS.values(), strict=True)
    ]


def test_the_table_shows_what_is_left():
    values = {work.name: {'ipc': [1.0], 'tcp': [2000.0, 4000.0], 'tcp with CURVE': [1500.0]} for work in WORKS}
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(values))
    text = console.export_text()
    assert '0.50' in text and '3,000' in text


def test_what_cannot_be_measured_ends_it_with_the_reason(monkeypatch, capsys):
    monkeypatch.setattr(security, 'measure', lambda *args: Outcome(failed='no result within 120 s'))
    assert main(['--quick']) != 0
    assert 'REQ-REP, ipc: no result within 120 s' in capsys.readouterr().err
