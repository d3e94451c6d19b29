"""Notices on their way, over real sockets, to receivers that misbehave."""
