"""The engines that the launcher starts, watches and stops: the embedded graph and bus."""
