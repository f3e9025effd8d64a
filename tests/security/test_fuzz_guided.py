"""Fuzzing by coverage finds nothing in some seconds; ``OSBRAIN_FUZZ_SECONDS`` makes it minutes for each target."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name('fuzz.py')
SECONDS = max(2, int(os.environ.get('OSBRAIN_FUZZ_SECONDS', '2')))
# Bytes that a process of it may have, in MiB, and seconds that one input may take: more is a finding.
MOST = 512
SLOW = 10


@pytest.mark.parametrize('target', ['entrance', 'messages', 'envelopes'])
def test_nothing_is_found(target, tmp_path):
    pytest.importorskip('atheris', reason='fuzzing by coverage needs atheris (pip install .[fuzz])')
    findings = tmp_path / 'findings'
    findings.mkdir()
    limits = [f'-max_total_time={SECONDS}', f'-rss_limit_mb={MOST}', f'-timeout={SLOW}']
    command = [sys.executable, FUZZ, target, *limits, f'-artifact_prefix={findings}/']
    done = subprocess.run(command, cwd=findings, capture_output=True, text=True, timeout=SECONDS + 60, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    assert list(findings.iterdir()) == []
    runs = int(re.search(r'Done (\d+) runs', done.stderr)[1])
    assert runs > 1000
