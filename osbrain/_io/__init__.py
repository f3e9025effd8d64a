"""Moves bytes: the only room that talks to ZeroMQ's sockets and waits on file descriptors."""
