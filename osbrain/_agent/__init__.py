"""The agent itself: its surface, its loop, its mailbox and timers; one thread owns all of it."""
