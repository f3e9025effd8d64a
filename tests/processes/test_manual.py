"""Run what the manual shows and compare what it prints, so that the manual cannot say what is not so."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import osbrain

DOCS = Path(__file__).resolve().parents[2] / 'docs'
SNIPPETS = DOCS / 'snippets'
CHAPTERS = sorted(DOCS.glob('*.rst'))
LIMIT = 60  # seconds; on an idle machine the slowest takes 2

MOMENT = re.compile(r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?\]')
RECORD = re.compile(r'^(?:DEBUG|INFO|WARNING|ERROR) \[.*', re.MULTILINE)

FAILED = 'An exception occurred while running!'

# Snippet -> the records on its standard error, which the manual does not show. All others say nothing there.
ERRORS = {
    'acknowledged': [f'(Ann): {FAILED} (no such article)'] * 2,
    'async_requests': [f'(builder): {FAILED} (no ladder is that long)'],
    'diagnosis': [f"(strategy): {FAILED} ('price')"],
    'instrument': [f'(worker): {FAILED} (division by zero)'],
    'on_error': [
        f'(lenient): {FAILED} (division by zero)',
        f'(strict): {FAILED} (division by zero)',
    ],
    'request_reply': [f'(server): {FAILED} (-16 has no real root)'],
    'whose_mistake': [f'(divider): {FAILED} (division by zero)'] * 2,
}


def without_moments(text):
    return MOMENT.sub('[...]', text)


@pytest.mark.parametrize('snippet', sorted(path.stem for path in SNIPPETS.glob('*.py')))
def test_a_snippet_prints_what_the_manual_says(snippet, tmp_path):
    if snippet == 'arrays':
        pytest.importorskip('numpy')
    environment = {name: value for name, value in os.environ.items() if not name.startswith(('OSBRAIN', 'PYRO'))}
    done = subprocess.run(
        [sys.executable, str(SNIPPETS / f'{snippet}.py')],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert without_moments(done.stdout) == without_moments((SNIPPETS / f'{snippet}.out').read_text())
    records = sorted(record.partition('] ')[2] for record in RECORD.findall(done.stderr))
    assert records == ERRORS.get(snippet, [])
    if not records:
        assert done.stderr == ''


def included(kind):
    """Names of the snippets that some chapter includes with the ending *kind*."""
    text = '\n'.join(chapter.read_text() for chapter in CHAPTERS)
    return set(re.findall(r'^\.\. literalinclude:: snippets/(\w+)\.%s$' % kind, text, flags=re.MULTILINE))


@pytest.mark.parametrize('kind', ['py', 'out'])
def test_every_snippet_is_shown_with_what_it_prints(kind):
    assert included(kind) == {path.stem for path in SNIPPETS.glob('*.py')}


def blocks(chapter):
    """Yield the short pieces of Python in a chapter: each indented block after a line that ends with `::`."""
    lines = chapter.read_text().split('\n')
    for number, line in enumerate(lines):
        if not line.endswith('::') or line.startswith('..'):
            continue
        block = []
        for following in lines[number + 1 :]:
            if following and not following.startswith(' '):
                break
            block.append(following)
        yield '\n'.join(one[4:] for one in block)


@pytest.mark.parametrize('chapter', CHAPTERS, ids=lambda path: path.stem)
def test_short_pieces_of_code_are_python(chapter):
    for block in blocks(chapter):
        if not block.lstrip().startswith('python3 -m'):
            ast.parse(block)


def test_a_chapter_has_all_of_its_pieces_looked_at():
    assert len(list(blocks(DOCS / 'transport.rst'))) == 1
    assert 'advertise=' in next(blocks(DOCS / 'transport.rst'))


def rows(chapter, heading):
    """The cells of the first table after *heading* in a chapter, row by row, without the header."""
    text = (DOCS / f'{chapter}.rst').read_text().partition(f'\n{heading}\n')[2]
    table = text[text.index('.. list-table::') :]
    table = table[table.index('   * - ') :]
    table = re.split(r'\n(?=\S)', table, maxsplit=1)[0]
    found = []
    for row in re.split(r'^   \* - ', table, flags=re.MULTILINE)[2:]:
        cells = re.split(r'\n     -(?: |$)', row, flags=re.MULTILINE)
        found.append([' '.join(cell.split()) for cell in cells])
    return found


def test_the_manual_lists_every_setting_with_its_type_and_default():
    table = {row[0].strip('`'): row[1:] for row in rows('configuration', 'The keys')}
    assert set(table) == set(osbrain.config)
    fresh = subprocess.run(
        [sys.executable, '-c', 'import osbrain; print({k: v for k, v in osbrain.config.items() if k != "IPC_DIR"})'],
        env={name: value for name, value in os.environ.items() if not name.startswith('OSBRAIN')},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    for key, value in ast.literal_eval(fresh.stdout).items():
        kind, default, _ = table[key]
        assert default == f'``{value!r}``'
        assert value is None or type(value).__name__ == kind


@pytest.mark.parametrize(
    'key, value, read',
    [
        ('SAFE', 'false', 'False'),
        ('SERIALIZER', 'json', "'json'"),
        ('TRANSPORT', 'tcp', "'tcp'"),
        ('LINGER', '2.5', '2.5'),
        ('SECURITY', 'curve', "'curve'"),
    ],
)
def test_the_variables_in_the_table_of_settings_set_them(key, value, read):
    (meaning,) = [row[3] for row in rows('configuration', 'The keys') if row[0] == f'``{key}``']
    (variable,) = re.findall(r'Environment: ``(\w+)``', meaning)
    done = subprocess.run(
        [sys.executable, '-c', f'import osbrain; print(repr(osbrain.config[{key!r}]))'],
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    assert done.stdout.strip() == read


def test_the_readme_begins_with_the_program_of_the_manual():
    readme = (DOCS.parent / 'README.md').read_text()
    (program,) = re.findall(r'^```python\n(.*?)^```$', readme, flags=re.MULTILINE | re.DOTALL)
    _, _, snippet = (SNIPPETS / 'hello.py').read_text().partition('"""\n\n')
    assert program == snippet
