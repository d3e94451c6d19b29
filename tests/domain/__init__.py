"""The domain: names, units and addresses."""
