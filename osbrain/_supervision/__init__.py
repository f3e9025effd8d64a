"""Keeping processes alive: what is to be decided (strategy, restarts, intensity, group), and who does it (watcher)."""
