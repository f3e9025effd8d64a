"""What is printed stays on its line and upsets no terminal."""

import json

import pytest

from osbrain.cli.output import printable, say, show_json, show_table

PRINTABLE = {
    'plain': ('feed', 'utf-8', 'feed'),
    'letters of any language': ('prix élevé 日本', 'utf-8', 'prix élevé 日本'),
    'letters that cannot be written': ('é日', 'ascii', '\\xe9\\u65e5'),
    'several lines': ('bad\nlines\r\n\there', 'utf-8', 'bad lines here'),
    'colours': ('\x1b[31mred', 'utf-8', '\\x1b[31mred'),
    'clear screen': ('\x9b2J', 'utf-8', '\\x9b2J'),
    'text that runs backwards': ('\u202egnp', 'utf-8', '\\u202egnp'),
    'half a character': ('\udc80', 'utf-8', '\\udc80'),
    'stream without an encoding': ('é', None, 'é'),
}


@pytest.mark.parametrize('case', PRINTABLE)
def test_text_is_made_printable(case):
    text, encoding, expected = PRINTABLE[case]
    assert printable(text, encoding) == expected


def test_a_line_is_one_line(capsys):
    say('one\ntwo')
    say('three\nfour', err=True)
    assert tuple(capsys.readouterr()) == ('one two\n', 'three four\n')


def test_that_nobody_reads_errors_is_no_error(monkeypatch):
    class Broken:
        encoding = 'utf-8'

        def write(self, text):
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr('sys.stderr', Broken())
    say('hello?', err=True)
    monkeypatch.setattr('sys.stdout', Broken())
    with pytest.raises(BrokenPipeError):
        say('hello?')


def test_json_is_for_any_encoding(capsys):
    show_json([{'name': 'é\udc80'}])
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == [{'name': 'é\udc80'}]


def test_a_row_is_a_line_however_long(capsys):
    show_table(('name', 'reason'), [('feed', 'x' * 500), ('broker', '')])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ['feed', 'broker']
    assert 'x' * 500 in lines[2]


def test_markup_in_a_cell_is_text(capsys):
    show_table(('name',), [('[red]bob[/red]',), ('[/]',), (':smile:',)])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[2:]] == ['[red]bob[/red]', '[/]', ':smile:']


def test_a_narrow_terminal_folds_names_and_keeps_states_whole(capsys, monkeypatch):
    monkeypatch.setenv('FORCE_COLOR', '1')
    monkeypatch.setenv('COLUMNS', '40')
    show_table(('name', 'state', 'reason'), [('n' * 30, 'running', 'r' * 30)])
    out = capsys.readouterr().out
    assert 'running' in out
    assert out.count('n') >= 30
    assert out.count('r') >= 30
    assert len(out.splitlines()) > 3
