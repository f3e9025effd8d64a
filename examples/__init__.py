"""Programs to read and to run; each says what it shows."""
