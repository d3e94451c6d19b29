"""Real servers for tests: each is started once for a session and ends with it."""
