"""The short form of the fault suite, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 110  # seconds; the run takes about a quarter of them


def test_nothing_is_lost_while_everything_dies(tmp_path):
    report = tmp_path / 'report.json'
    command = [
        sys.executable,
        '-m',
        'benchmarks.faults',
        '--minutes',
        '0.25',
        '--tasks',
        '10000',
        '--json',
        str(report),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(report.read_text(encoding='utf-8'))
    assert (outcome['handed_in'], outcome['arrived'], outcome['lost']) == (10000, 10000, [])
    struck = {fault: counts['struck'] for fault, counts in outcome['faults'].items()}
    assert struck['worker killed'] > 30
    assert struck['name server killed'] == 2
    assert struck['dispatcher killed'] == 1
    assert all(struck.values()), struck
