"""Following the money: where traced units of value went, or where they came from."""
