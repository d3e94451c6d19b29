"""The API's front door: the ASGI application, limits, health, metrics and GraphiQL."""
