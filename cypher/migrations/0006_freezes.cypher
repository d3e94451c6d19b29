// Keys of what issuers do to wallets.

CREATE CONSTRAINT freeze_id IF NOT EXISTS FOR (n:Freeze) REQUIRE n.id IS UNIQUE;
