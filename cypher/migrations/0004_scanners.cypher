// One scanner for each chain that is followed.

CREATE CONSTRAINT scanner_id IF NOT EXISTS FOR (n:Scanner) REQUIRE n.id IS UNIQUE;
