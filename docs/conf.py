"""Tell Sphinx how to build the manual: `python -m sphinx -W -b html docs docs/_build/html`."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The reference is made from the docstrings of this tree, whatever else is installed.
sys.path.insert(0, str(ROOT))

project = 'osbrain'
copyright = 'the osbrain contributors'
release = re.search(
    r"^__version__ = '([^']+)'$",
    (ROOT / 'osbrain' / '__init__.py').read_text(encoding='utf-8'),
    flags=re.MULTILINE,
).group(1)

# Nothing here reaches for the network: a build needs this tree and what is installed.
# napoleon reads the sections of docstrings (Parameters and so on).
extensions = ['sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'sphinx.ext.viewcode']
napoleon_google_docstring = False
exclude_patterns = ['_build']
default_role = 'code'

autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'

html_theme = 'furo'
html_title = f'osbrain {release}'
