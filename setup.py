"""Say what the package is called and what it needs; pyproject.toml configures the tools."""
import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def version() -> str:
    """Read the version as text: importing osbrain would need what is about to be installed."""
    text = (HERE / 'osbrain' / '__init__.py').read_text(encoding='utf-8')
    found = re.search(r"^__version__ = '([^']+)'$", text, flags=re.MULTILINE)
    if found is None:
        raise ValueError("osbrain/__init__.py has no line of the form __version__ = '1.2.3'")
    return found.group(1)


MSGPACK = ['msgpack>=1.0']
MCAP = [
    # The first that writes on request what it has gathered, so that a recorder that is killed loses a second at most.
    'mcap>=1.6',
]

EXAMPLES = [
    'bokeh_sampledata',  # the daily prices that the trading example replays
    'matplotlib>=3.7',
    'numpy>=1.23',
    'plotext>=6.1',
]
BENCHMARKS = [
    'matplotlib>=3.7',
    'numpy>=1.23',
]
METRICS = [
    # Writes what Prometheus reads. The first whose server can be stopped.
    'prometheus-client>=0.20',
]
TRACING = [
    # What a program sets a tracer provider with; osbrain imports it where one has done so.
    'opentelemetry-api>=1.20',
]
TLS = [
    # Makes certificates; those that are made need the standard library alone.
    'cryptography>=41',
]
DASHBOARD = [
    # Answer what the page in the browser asks for; all that the page itself is made of comes with osbrain.
    'starlette>=0.37',
    'uvicorn>=0.24',
]
FUZZ = [
    # By coverage. Where there is no wheel, it wants a compiler of its own kind; Hypothesis has to do there.
    'atheris>=2.3',
]
DOCS = [
    'furo',
    'sphinx>=8.1',
]
DEV = [
    'build>=1.0',
    'coverage>=7.2',
    'hypothesis>=6.80',
    # Notebooks run in a real kernel.
    'ipykernel>=6.25',
    'nbclient>=0.8',
    'nbformat>=5.9',
    # Spans that stay in memory, to be looked at.
    'opentelemetry-sdk>=1.20',
    # What these two report changes from one minor release to the next; the suite must not turn red
    # on a day when nobody changed anything.
    'mypy>=2.4,<2.5',
    'ruff>=0.17,<0.18',
    # Drives the page in the chromium of this machine, where there is one.
    'playwright>=1.40',
    'psutil>=5.9',
    # What starlette's test client needs.
    'httpx2>=2.0',
    'pytest>=8.0',
    'pytest-timeout>=2.2',
    'pytest-xdist>=3.5',
    'tox>=4.11',
]

setup(
    name='osbrain',
    version=version(),
    description='Agents in processes of their own that talk over ZeroMQ, configured while they run',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license_expression='Apache-2.0',
    license_files=['LICENSE'],
    python_requires='>=3.10',
    packages=find_packages(include=['osbrain', 'osbrain.*']),
    package_data={'osbrain': ['py.typed'], 'osbrain.dashboard': ['static/*', 'static/*/*']},
    install_requires=[
        'click>=8.1',
        'cloudpickle>=2.2',
        'dill>=0.3.6',
        'Pyro4>=4.82',
        'pyzmq>=26',
        'rich>=13.0',
    ],
    extras_require={
        'msgpack': MSGPACK,
        'metrics': METRICS,
        'tracing': TRACING,
        'mcap': MCAP,
        'benchmarks': BENCHMARKS,
        'examples': EXAMPLES,
        'tls': TLS,
        'docs': DOCS,
        'dashboard': DASHBOARD,
        'fuzz': FUZZ,
        'dev': DEV + BENCHMARKS + DASHBOARD + EXAMPLES + TLS + DOCS + MSGPACK + METRICS + TRACING + MCAP,
    },
    entry_points={'console_scripts': ['osbrain = osbrain.cli:main']},
    keywords=['agents', 'multi-agent system', 'zeromq', 'distributed', 'messages', 'trading'],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Developers',
        'Intended Audience :: Financial and Insurance Industry',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3 :: Only',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Software Development :: Libraries',
        'Topic :: System :: Distributed Computing',
        'Typing :: Typed',
    ],
)
