"""What bytes mean: serializers, frames, topics, handlers, requests, timers; no socket, thread or clock of its own."""
