"""Where prices come from: exchanges, and services that list what assets cost."""
