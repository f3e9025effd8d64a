"""How processes are started: from a warm fork server, by spawning an interpreter, or by forking; one word back says how it went."""
