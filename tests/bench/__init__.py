"""The benches, tiny: that they measure what they say; never how fast."""
