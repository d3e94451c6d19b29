// One node for each kept answer about clusters that was published.

CREATE CONSTRAINT cluster_replay_id IF NOT EXISTS FOR (n:ClusterReplay) REQUIRE n.id IS UNIQUE;
