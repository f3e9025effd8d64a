"""Faults on purpose: a system at work is struck again and again, and in the end everything has to have arrived."""
