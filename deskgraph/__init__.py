"""The launcher: the ``deskgraph`` command, the embedded engines and the demo."""
