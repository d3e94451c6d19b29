"""Bodies that webhooks send: what each sender tells of blocks, decoded to records."""
