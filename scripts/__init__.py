"""What builds, checks and tries the project; none of it is in the wheel."""
