"""What an agent that takes a dead one's place gets back: addresses, configuration from outside, and its state."""
