"""``deskgraph clusters``."""
