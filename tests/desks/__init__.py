"""The registry as commands edit it."""
