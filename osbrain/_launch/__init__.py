"""How processes are started: from a warm fork server, by spawning or by forking; one word back says how it went."""
