"""Worlds with planted truth: who owns what and where money went is known, to measure methods by.

``python -m deskgraph.planted --seed 7`` makes one and prints what the methods find of it. Nobody
in it exists.
"""
