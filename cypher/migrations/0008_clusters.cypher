// Keys of evidence that wallets are one, of clusters, of who is in them, and of runs.

CREATE CONSTRAINT evidence_id IF NOT EXISTS FOR (n:Evidence) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT cluster_id IF NOT EXISTS FOR (n:Cluster) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT member_id IF NOT EXISTS FOR (n:Member) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT cluster_run_id IF NOT EXISTS FOR (n:ClusterRun) REQUIRE n.id IS UNIQUE;
CREATE INDEX member_cluster_key IF NOT EXISTS FOR (n:Member) ON (n.cluster_key);
