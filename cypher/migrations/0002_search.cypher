// The index of words, tokens by how busy they are, and no more indexes of whole texts.

CREATE INDEX term_key IF NOT EXISTS FOR (n:Term) ON (n.key);
CREATE INDEX token_rank_key IF NOT EXISTS FOR (n:Token) ON (n.rank_key);
DROP INDEX label_text IF EXISTS;
DROP INDEX actor_text IF EXISTS;
