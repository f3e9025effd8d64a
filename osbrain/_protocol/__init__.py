"""What bytes mean: serializers, frames, topics, handlers, open requests, timers; no socket, no thread, no clock of its own."""
