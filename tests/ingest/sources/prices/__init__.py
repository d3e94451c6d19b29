"""Sources of prices: services and exchanges, answering at a socket."""
