"""Replay real prices to trading strategies that each run in a process of their own."""
