"""What a cluster shares in secret, and who is let in with it."""
