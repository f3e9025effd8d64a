"""Measure osbrain beside bare pyzmq and beside other releases: python -m benchmarks --help."""
