"""Graphs of single transactions around a wallet, newest first, to draw and to go on from."""
