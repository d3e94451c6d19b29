"""The graph model, described once: nodes, relationships, properties, keys and indexes.

``docs/graph-model.md`` is printed from here, migrations create what it says, and a test compares
it with the live schema of both engines.
"""

from typing import Final

import msgspec


class Property(msgspec.Struct, frozen=True):
    """One property: name, type as Cypher names it, and what it says, with its unit."""

    name: str
    type: str
    about: str


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One label. ``key`` is unique, if it has one; ``indexes`` are of one property each."""

    label: str
    about: str
    properties: tuple[Property, ...]
    key: str | None = "id"
    indexes: tuple[str, ...] = ()


class Relationship(msgspec.Struct, frozen=True, kw_only=True):
    """One relationship type between two labels."""

    type: str
    start: str
    end: str
    about: str
    properties: tuple[Property, ...] = ()


def _chain() -> Property:
    return Property("chain", "STRING", "CAIP-2 id of the chain, such as `eip155:1`.")


def _placed() -> tuple[Property, ...]:
    return (
        Property("block_number", "INTEGER", "Block; absent where the source does not say."),
        Property("block_time", "INTEGER", "Epoch milliseconds, UTC; absent while unknown."),
    )


def _link() -> tuple[Property, ...]:
    return (
        Property("heuristic", "STRING", "multi_input, deposit_reuse, airdrop …"),
        Property("transaction", "STRING", "Id of the transaction that shows it."),
        Property("block_number", "INTEGER", "From which block on it holds; absent if unknown."),
        Property("confidence", "FLOAT", "Fraction in (0, 1]."),
        Property("run", "STRING", "Id of the run that found it."),
    )


def _totals(about: str) -> tuple[Property, ...]:
    return (
        Property("transfers", "INTEGER", f"How many transfers {about}."),
        Property("first_at", "INTEGER", "Time of the earliest, epoch milliseconds."),
        Property("last_at", "INTEGER", "Time of the latest, epoch milliseconds."),
    )


NODES: Final = (
    Node(
        label="Wallet",
        about="One account on one chain.",
        properties=(
            Property("id", "STRING", "CAIP-10: `eip155:1:0x…`; EVM hex in lower case."),
            _chain(),
            Property("address", "STRING", "The address alone."),
            Property("kind", "STRING", "eoa, contract, program, token_account, script or unknown."),
            Property("first_seen_at", "INTEGER", "Earliest activity, epoch milliseconds."),
            Property("last_seen_at", "INTEGER", "Latest activity, epoch milliseconds."),
            Property("transfers_in", "INTEGER", "Transfers that reached it."),
            Property("transfers_out", "INTEGER", "Transfers that it sent."),
            Property("flows_in", "INTEGER", "Flow nodes that end here."),
            Property("flows_out", "INTEGER", "Flow nodes that start here."),
            Property("newest", "STRING", "Order of its newest transfer, as in `order_key`."),
        ),
    ),
    Node(
        label="Token",
        about="A token contract, a mint, or a chain's own coin.",
        properties=(
            Property("id", "STRING", "CAIP-19: `eip155:1/erc20:0x…` or `eip155:1/slip44:60`."),
            _chain(),
            Property("address", "STRING", "Contract or mint; absent for a chain's own coin."),
            Property("symbol", "STRING", "As the contract says; not unique, not verified."),
            Property("name", "STRING", "As the contract says."),
            Property("decimals", "INTEGER", "Digits after the point of one whole unit."),
            Property("total_supply_raw", "STRING", "Base units, decimal text."),
            Property("transfers", "INTEGER", "Transfers of it that are loaded."),
            Property("holders", "INTEGER", "Wallets with more received than sent."),
            Property("unscaled", "INTEGER", "Transfers loaded before its decimals were known."),
            Property("rank_key", "STRING", "Digest of chain, then the most transfers first."),
        ),
        indexes=("symbol", "rank_key"),
    ),
    Node(
        label="Asset",
        about="What tokens of several chains stand for, and what it costs now.",
        properties=(
            Property("id", "STRING", "A slug: `ethereum`, `usd-coin`."),
            Property("symbol", "STRING", "What exchanges call it."),
            Property("listing", "STRING", "Its id at price services; absent where it has none."),
            Property("usd", "STRING", "US dollars for a whole unit, exact decimal text."),
            Property("usd_source", "STRING", "Who says so, several joined by `+`."),
            Property("usd_at", "INTEGER", "Since when it is known, epoch milliseconds."),
        ),
    ),
    Node(
        label="Price",
        about="What an asset cost at a moment: what its transfers are priced by.",
        properties=(
            Property("id", "STRING", "`asset|` and the time turned round: the newest first."),
            Property("asset", "STRING", "Id of the Asset."),
            Property("at", "INTEGER", "Since when it is known, epoch milliseconds."),
            Property("usd", "STRING", "US dollars for a whole unit, exact decimal text."),
            Property("source", "STRING", "Who says so, several joined by `+`."),
            Property("pinned", "BOOLEAN", "True where a Transfer is valued by it: it stays."),
        ),
    ),
    Node(
        label="Transfer",
        about="One movement of value to one wallet.",
        properties=(
            Property("id", "STRING", "`chain:hash:position`, or `file:dataset:row`."),
            _chain(),
            Property("transaction", "STRING", "Id of its Transaction; absent for rewards."),
            Property("position", "STRING", "native, log:n, trace:path, out:n, reward:n …"),
            Property("sender", "STRING", "Wallet id; absent where value comes into being."),
            Property("recipient", "STRING", "Wallet id."),
            Property("token", "STRING", "Token id; absent where the source does not say."),
            Property("amount_raw", "STRING", "Base units, exact decimal text. Never toInteger()."),
            Property("amount", "FLOAT", "Whole units, to rank and chart; rounded."),
            *_placed(),
            Property("derived", "BOOLEAN", "True for our allocation of a UTXO transaction."),
            Property("usd", "FLOAT", "Value in US dollars at its time; absent until priced."),
            Property("usd_source", "STRING", "Who says so, several joined by `+`."),
            Property("usd_at", "INTEGER", "Since when that price was known, epoch milliseconds."),
            Property("final", "BOOLEAN", "True where a webhook's sender called it final."),
            Property("order_key", "STRING", "Digest of chain, then newest first."),
            Property("sender_key", "STRING", "Digest of sender, then newest first."),
            Property("recipient_key", "STRING", "Digest of recipient, then newest first."),
            Property("token_key", "STRING", "Digest of token, then newest first."),
        ),
        indexes=("order_key", "sender_key", "recipient_key", "token_key"),
    ),
    Node(
        label="Transaction",
        about="The signed envelope of transfers and calls; a stub while only its logs are known.",
        properties=(
            Property("id", "STRING", "`chain:hash`."),
            _chain(),
            Property("hash", "STRING", "As the chain writes it."),
            *_placed(),
            Property("index", "INTEGER", "Place in the block."),
            Property("status", "INTEGER", "1, 0 (failed: its value did not move) or absent."),
            Property("sender", "STRING", "Wallet id of the signer; absent in a stub."),
            Property("recipient", "STRING", "Wallet id of the callee or created contract."),
            Property("value_raw", "STRING", "Base units of the chain's coin, decimal text."),
            Property("method_id", "STRING", "Selector, `0x` and 8 digits; absent for payments."),
            Property("gas_used", "INTEGER", "Gas."),
            Property("gas_price_raw", "STRING", "Effective price of one gas in base units."),
            Property("fee_raw", "STRING", "gas_used × gas_price_raw, or inputs − outputs."),
            Property("coinbase", "BOOLEAN", "True for a block's own reward transaction (UTXO)."),
            Property("flags", "LIST<STRING>", "Oddities of the source, such as short_hash."),
            Property("order_key", "STRING", "Digest of chain, then newest first."),
            Property("sender_key", "STRING", "Digest of sender, then newest first."),
            Property("recipient_key", "STRING", "Digest of recipient, then newest first."),
        ),
        indexes=("order_key", "sender_key", "recipient_key"),
    ),
    Node(
        label="Flow",
        about=(
            "Totals of one ordered pair of wallets and one token. FLOWED is its road; FLOW_FROM "
            "and FLOW_TO lead from the totals to the wallets and back."
        ),
        properties=(
            Property("id", "STRING", "Digest of sender, recipient and token."),
            _chain(),
            Property("sender", "STRING", "Wallet id."),
            Property("recipient", "STRING", "Wallet id."),
            Property("token", "STRING", "Token id; absent where transfers name none."),
            Property("amount_raw", "STRING", "Exact sum in base units; absent if one is unknown."),
            Property("amount", "FLOAT", "The sum in whole units, to rank by."),
            Property("usd", "FLOAT", "Sum of the priced transfers; absent until one is."),
            Property("usd_micros", "STRING", "The same in millionths of a dollar, exact."),
            Property("priced", "INTEGER", "How many transfers have a price; absent: none."),
            *_totals("it sums up"),
            Property("sender_rank", "STRING", "Digest of sender, then busiest; hubs only."),
            Property("recipient_rank", "STRING", "Digest of recipient, then busiest; hubs only."),
        ),
        indexes=("sender_rank", "recipient_rank"),
    ),
    Node(
        label="Holding",
        about="What one wallet received and sent of one token. HOLDS is its road.",
        properties=(
            Property("id", "STRING", "Digest of wallet and token."),
            _chain(),
            Property("wallet", "STRING", "Wallet id."),
            Property("token", "STRING", "Token id."),
            Property("received_raw", "STRING", "Exact sum in base units, decimal text."),
            Property("sent_raw", "STRING", "Exact sum in base units, decimal text."),
            Property("net_raw", "STRING", "received − sent; a change, not a balance."),
            Property("amount", "FLOAT", "net_raw in whole units, to rank by."),
            *_totals("touched it"),
            Property("since_block", "INTEGER", "Lowest block that counted."),
            Property("uncounted", "INTEGER", "Transfers left out: their amount is unknown."),
            Property("rank_key", "STRING", "Digest of token, then the largest net first."),
        ),
        indexes=("rank_key",),
    ),
    Node(
        label="Output",
        about="One output of a UTXO transaction.",
        properties=(
            Property("id", "STRING", "`chain:txid:vout`."),
            _chain(),
            Property("amount_raw", "STRING", "Satoshi, decimal text."),
            Property("owner", "STRING", "Wallet id; absent where no single address owns it."),
            Property("script", "STRING", "Script type as the source names it."),
            Property("created", "BOOLEAN", "Whether its transaction is loaded."),
            Property("spent", "BOOLEAN", "Whether a loaded transaction spends it."),
        ),
    ),
    Node(
        label="Approval",
        about="An ERC-20 Approval event: owner lets spender move tokens.",
        properties=(
            Property("id", "STRING", "`chain:hash:log:n`."),
            _chain(),
            Property("token", "STRING", "Token id."),
            Property("owner", "STRING", "Wallet id."),
            Property("spender", "STRING", "Wallet id."),
            Property("amount_raw", "STRING", "Base units, decimal text."),
            *_placed(),
        ),
    ),
    Node(
        label="Swap",
        about="A DEX pool's Swap event.",
        properties=(
            Property("id", "STRING", "`chain:hash:log:n`."),
            _chain(),
            Property("protocol", "STRING", "uniswap_v2, uniswap_v3 …: the event's shape."),
            Property("pool", "STRING", "Wallet id of the pool contract."),
            Property("sender", "STRING", "Wallet id of who called the pool."),
            Property("recipient", "STRING", "Wallet id of who was paid."),
            Property("amount0_raw", "STRING", "Into (+) or out of (−) the pool, base units."),
            Property("amount1_raw", "STRING", "Into (+) or out of (−) the pool, base units."),
            *_placed(),
        ),
    ),
    Node(
        label="Freeze",
        about="What the issuer of a token did to a wallet; its Labels of freezes follow from it.",
        properties=(
            Property("id", "STRING", "`chain:hash:log:n`."),
            _chain(),
            Property("kind", "STRING", "frozen, freed, or seized: what it held was destroyed."),
            Property("token", "STRING", "Token id."),
            Property("wallet", "STRING", "Wallet id."),
            Property("issuer", "STRING", "Who issues the token."),
            Property("symbol", "STRING", "What the issuer calls the token."),
            Property("transaction", "STRING", "Id of its Transaction."),
            Property("position", "STRING", "log:n"),
            Property("amount_raw", "STRING", "What was destroyed, base units, decimal text."),
            *_placed(),
        ),
    ),
    Node(
        label="Block",
        about="One block whose hash or time is known.",
        properties=(
            Property("id", "STRING", "`chain:number`."),
            _chain(),
            Property("number", "INTEGER", "Block number."),
            Property("hash", "STRING", "Block hash."),
            Property("parent_hash", "STRING", "Hash of the block before."),
            Property("time", "INTEGER", "Epoch milliseconds, UTC."),
            Property("announced", "BOOLEAN", "True where its transfers were announced."),
            Property("undo", "STRING", "JSON: what takes it back; the newest 256 only."),
            Property("noted", "STRING", "JSON: what takes back what webhooks told of it."),
            Property("confirmed", "BOOLEAN", "True where a webhook's sender vouched for it."),
        ),
    ),
    Node(
        label="Label",
        about="One sourced claim about one address.",
        properties=(
            Property("id", "STRING", "Digest of source, claim, validity and address."),
            Property("label", "STRING", "The words of the source."),
            Property("category", "STRING", "Our word for it: exchange, mixer, sanctioned …"),
            Property("confidence", "FLOAT", "Fraction in (0, 1]."),
            Property("source", "STRING", "Who says so."),
            Property("source_url", "STRING", "Where it can be read."),
            Property("actor", "STRING", "Id of the Actor that it names."),
            Property("valid_from", "INTEGER", "Epoch milliseconds; absent: always."),
            Property("valid_to", "INTEGER", "Epoch milliseconds, exclusive; absent: still."),
            Property("learned_at", "INTEGER", "When it became known, epoch milliseconds."),
            Property("withdrawn_at", "INTEGER", "When it was taken back; absent: it stands."),
            Property("source_category", "STRING", "The source's own word for the category."),
            Property("defines_cluster", "BOOLEAN", "Speaks for all wallets of the same owner."),
            Property("note", "STRING", "What the source adds."),
            Property("actor_key", "STRING", "Digest of actor, then the surest claim first."),
            Property("category_key", "STRING", "Digest of category, then the surest first."),
        ),
        indexes=("actor_key", "category_key"),
    ),
    Node(
        label="Actor",
        about="Somebody who owns wallets.",
        properties=(
            Property("id", "STRING", "A slug."),
            Property("name", "STRING", "As people know it."),
            Property("type", "STRING", "otc_desk, market_maker, exchange, mixer …"),
            Property("url", "STRING", "Web site."),
            Property("logo_url", "STRING", "Picture."),
            Property("jurisdictions", "LIST<STRING>", "ISO country codes."),
            Property("source", "STRING", "Who says so."),
            Property("confidence", "FLOAT", "Of the description, fraction in [0, 1]."),
            Property("registered", "BOOLEAN", "True where a desk registry lists it."),
        ),
        indexes=("type",),
    ),
    Node(
        label="Term",
        about="One word of a label, an actor or a token: an entry of the index of words.",
        key=None,
        properties=(
            Property("key", "STRING", "Kind (a, l or t), word, then the best match first."),
            Property("words", "STRING", "All words of the text, in lower case, between spaces."),
            Property("target", "STRING", "Id of the Label, Actor or Token."),
        ),
        indexes=("key",),
    ),
    Node(
        label="Chain",
        about="Counters of one chain.",
        properties=(
            Property("id", "STRING", "CAIP-2."),
            Property("blocks", "INTEGER", "Blocks loaded."),
            Property("transactions", "INTEGER", "Transactions loaded, stubs included."),
            Property("transfers", "INTEGER", "Transfers loaded."),
            Property("wallets", "INTEGER", "Wallets known."),
            Property("untimed", "INTEGER", "Facts whose block time is not known yet."),
            Property("first_block", "INTEGER", "Lowest block with facts."),
            Property("last_block", "INTEGER", "Highest block with facts."),
            Property("first_at", "INTEGER", "Earliest time, epoch milliseconds."),
            Property("last_at", "INTEGER", "Latest time, epoch milliseconds."),
        ),
    ),
    Node(
        label="Checkpoint",
        about="How far a dataset is loaded.",
        properties=(
            Property("id", "STRING", "Dataset, format and options; or what of which wallet."),
            Property("source", "STRING", "What people call it: file names."),
            Property("format", "STRING", "Name of the format."),
            Property("row", "INTEGER", "Last row whose records are in the graph."),
            Property("read", "INTEGER", "Records read."),
            Property("written", "INTEGER", "Records that were new."),
            Property("known", "INTEGER", "Records that were there already."),
            Property("rejected", "INTEGER", "Rows left out."),
            Property("done", "BOOLEAN", "Whether the end was reached."),
            Property(
                "ranges",
                "LIST<INTEGER>",
                "Of a wallet's history: first and last block of everything that was read, "
                "ascending.",
            ),
            Property(
                "accounts",
                "LIST<STRING>",
                "Of a wallet's history: addresses that were found to be its token accounts.",
            ),
            Property("started_at", "INTEGER", "Epoch milliseconds."),
            Property("updated_at", "INTEGER", "Epoch milliseconds."),
        ),
    ),
    Node(
        label="Scanner",
        about="Where following a chain stands.",
        properties=(
            Property("id", "STRING", "CAIP-2 id of the chain."),
            Property("block", "INTEGER", "The newest block whose facts are in the graph."),
            Property("hash", "STRING", "Its hash."),
            Property("final", "INTEGER", "The newest block that was announced as final."),
            Property("head", "INTEGER", "The newest block that nodes have told of."),
            Property("reorgs", "INTEGER", "How often blocks were taken back."),
            Property("deepest", "INTEGER", "How many blocks at once at most."),
            Property("ranges", "LIST<INTEGER>", "First and last block of each stretch fetched."),
            Property("started_at", "INTEGER", "Epoch milliseconds."),
            Property("updated_at", "INTEGER", "Epoch milliseconds."),
        ),
    ),
    Node(
        label="Lease",
        about="Who may write: one writer at a time, fenced by a growing token.",
        properties=(
            Property(
                "id", "STRING", "Chain (CAIP-2), `actors`, or `dataset:` and a Checkpoint's id."
            ),
            Property("token", "INTEGER", "Grows with each new holder."),
            Property("holder", "STRING", "Host, process and a random part; absent when free."),
            Property("expires_at", "INTEGER", "Epoch milliseconds."),
        ),
    ),
    Node(
        label="Line",
        about="One gapless sequence of numbered events.",
        properties=(
            Property("id", "STRING", "`line|chain`."),
            Property("line", "STRING", "transfers, finalized, otc, prices or alerts."),
            Property("chain", "STRING", "CAIP-2 id, or `*` for a line of no chain."),
            Property("epoch", "STRING", "Name of this history of numbers."),
            Property("first", "INTEGER", "Lowest number that is kept; above `last`: none is."),
            Property("last", "INTEGER", "Highest number that was given."),
        ),
    ),
    Node(
        label="Outbox",
        about="Events in a row that were written with what they tell, and are kept for the bus.",
        properties=(
            Property("id", "STRING", "`line|chain|last`, the number with 16 digits."),
            Property("line", "STRING", "The line that numbers them."),
            Property("chain", "STRING", "CAIP-2 id, or `*` for a line of no chain."),
            Property("first", "INTEGER", "Number of the first event."),
            Property("last", "INTEGER", "Number of the last event."),
            Property("at", "INTEGER", "When they were written, epoch milliseconds."),
            Property("payload", "STRING", "JSON array of `{topic, body}`, one for each number."),
        ),
    ),
    Node(
        label="Detection",
        about="A transfer that is taken for OTC.",
        properties=(
            Property("id", "STRING", "Id of the Transfer."),
            _chain(),
            Property("reasons", "LIST<STRING>", "desk, exchange, large."),
            Property("actors", "LIST<STRING>", "Ids of the Actors that deal; [] for none."),
            Property("actor_types", "LIST<STRING>", "Their types, in the same order."),
            Property("usd", "FLOAT", "What it was worth when it was detected, US dollars."),
            Property("counter", "STRING", "Id of the Transfer that went the other way."),
            Property("order_key", "STRING", "Digest of chain, then newest first."),
            Property("detected_at", "INTEGER", "Epoch milliseconds."),
        ),
        indexes=("order_key",),
    ),
    Node(
        label="SizeDay",
        about="How large the transfers of a token were on one day: what rare sizes follow from.",
        properties=(
            Property("id", "STRING", "`token|day`."),
            Property("token", "STRING", "Token id."),
            Property("day", "INTEGER", "Days since 1970, UTC."),
            Property("buckets", "LIST<INTEGER>", "Sizes, sixteen to a doubling; ascending."),
            Property("counts", "LIST<INTEGER>", "How many transfers of each."),
        ),
    ),
    Node(
        label="Detector",
        about="How far the transfers of a chain were looked at for OTC.",
        properties=(
            Property("id", "STRING", "CAIP-2 id of the chain."),
            Property("number", "INTEGER", "Number of the last event of its transfers."),
            Property("looks", "INTEGER", "How often somebody looked."),
        ),
    ),
    Node(
        label="Evidence",
        about="One reason to take two wallets for one: what LINKED ties, and where it is found.",
        properties=(
            Property("id", "STRING", "`chain|heuristic|digest of both wallets`."),
            _chain(),
            *_link(),
            Property("start", "STRING", "Wallet id; sorts before `end`."),
            Property("end", "STRING", "Wallet id."),
        ),
    ),
    Node(
        label="Cluster",
        about="Wallets that the published run takes for one; at least two.",
        properties=(
            Property("id", "STRING", "`cluster:` and its first wallet's id, in text order."),
            _chain(),
            Property("size", "INTEGER", "Wallets in it."),
            Property("actor", "STRING", "Id of the only actor that labels name of them."),
            Property("suspicion", "STRING", "too_large or two_actors, where links were refused."),
            Property("refused", "LIST<STRING>", "Ids of refused Evidence, 50 at most."),
            Property("run", "STRING", "Id of the run that changed it last."),
        ),
    ),
    Node(
        label="Member",
        about="Which cluster a wallet is in: an entry of the index of clusters.",
        properties=(
            Property("id", "STRING", "Wallet id."),
            _chain(),
            Property("cluster", "STRING", "Id of its Cluster."),
            Property("cluster_key", "STRING", "Digest of cluster, then wallet id."),
            Property("run", "STRING", "Id of the run that put it there."),
        ),
        indexes=("cluster_key",),
    ),
    Node(
        label="ClusterRun",
        about="A run of clustering on a chain; `chain|published` tells of the newest.",
        properties=(
            Property("id", "STRING", "`chain|number`, or `chain|published`."),
            _chain(),
            Property("number", "INTEGER", "1 for the first."),
            Property("done", "BOOLEAN", "False while what it found is being written."),
            Property("started_at", "INTEGER", "Epoch milliseconds."),
            Property("finished_at", "INTEGER", "Epoch milliseconds."),
            Property("block_number", "INTEGER", "The newest block that it knew."),
            Property("block_time", "INTEGER", "The time of that, epoch milliseconds."),
            Property("labels", "STRING", "Digest of what labels said of wallets."),
            Property("threshold", "FLOAT", "Less sure evidence merged nothing; fraction."),
            Property("incremental", "BOOLEAN", "Whether it read new blocks only."),
            Property("facts", "INTEGER", "Transfers or transactions that it knew."),
            Property("evidence", "INTEGER", "Pieces of evidence."),
            Property("wallets", "INTEGER", "Wallets in clusters."),
            Property("clusters", "INTEGER", "Clusters."),
            Property("largest", "INTEGER", "Wallets in the largest."),
            Property("suspicious", "INTEGER", "Clusters with refused links."),
        ),
    ),
    Node(
        label="Trace",
        about="A trace of value that its owner has published.",
        properties=(
            Property("id", "STRING", "That of the kept trace."),
            Property("name", "STRING", "What its owner calls it; absent where it has no name."),
            Property("workspace", "STRING", "Where it was made."),
            Property("owner", "STRING", "Who asked for it."),
            Property("digest", "STRING", "SHA-256 of the whole answer, to cite it by."),
            Property("policy", "STRING", "poison, haircut, fifo, lifo or tiho."),
            Property("direction", "STRING", "forward or backward."),
            Property("chain", "STRING", "CAIP-2 id of the chain of its seed."),
            Property("complete", "BOOLEAN", "Whether it came to all ends."),
            Property("block", "INTEGER", "The newest block that counted."),
            Property("made_at", "INTEGER", "Epoch milliseconds."),
        ),
    ),
    Node(
        label="ClusterReplay",
        about="Clusters on terms of somebody's own, who has published them.",
        properties=(
            Property("id", "STRING", "That of the kept replay."),
            Property("name", "STRING", "What its owner calls it; absent where it has no name."),
            Property("workspace", "STRING", "Where it was made."),
            Property("owner", "STRING", "Who asked for it."),
            Property("digest", "STRING", "SHA-256 of the whole answer, to cite it by."),
            _chain(),
            Property("run", "STRING", "Id of the ClusterRun that found the evidence."),
            Property("threshold", "FLOAT", "Less sure evidence did not count; fraction."),
            Property("as_of_block", "INTEGER", "Later evidence did not count; absent: all did."),
            Property("clusters", "INTEGER", "Clusters."),
            Property("wallets", "INTEGER", "Wallets in clusters."),
            Property("made_at", "INTEGER", "Epoch milliseconds."),
        ),
    ),
    Node(
        label="Migration",
        about="A migration that was applied.",
        key="number",
        properties=(
            Property("number", "INTEGER", "Its number."),
            Property("name", "STRING", "Its name."),
            Property("checksum", "STRING", "Digest of its statements."),
            Property("done", "BOOLEAN", "False while a backfill is under way."),
            Property("last", "STRING", "Place of a backfill."),
            Property("applied_at", "INTEGER", "Epoch milliseconds."),
        ),
    ),
)

RELATIONSHIPS: Final = (
    Relationship(type="SENT", start="Wallet", end="Transfer", about="The wallet paid it."),
    Relationship(type="REACHED", start="Transfer", end="Wallet", about="The wallet got it."),
    Relationship(
        type="MOVED", start="Transaction", end="Transfer", about="The transaction carries it."
    ),
    Relationship(type="SIGNED", start="Wallet", end="Transaction", about="The wallet signed it."),
    Relationship(
        type="CALLED",
        start="Transaction",
        end="Wallet",
        about="Its recipient: the contract that it called, or the wallet that it paid.",
    ),
    Relationship(
        type="REPRESENTS",
        start="Token",
        end="Asset",
        about="The token stands for the asset, and is priced like it.",
        properties=(Property("source", "STRING", "Who says so."),),
    ),
    Relationship(
        type="FLOWED",
        start="Wallet",
        end="Wallet",
        about="Value has moved this way; one per ordered pair and token. What traversal walks.",
        properties=(
            Property("id", "STRING", "Id of the Flow node that holds the totals."),
            Property("token", "STRING", "Token id."),
        ),
    ),
    Relationship(type="FLOW_FROM", start="Flow", end="Wallet", about="Who sent what it sums up."),
    Relationship(type="FLOW_TO", start="Flow", end="Wallet", about="Who received it."),
    Relationship(
        type="HOLDS",
        start="Wallet",
        end="Token",
        about="The wallet has received or sent the token.",
        properties=(Property("id", "STRING", "Id of the Holding node that holds the totals."),),
    ),
    Relationship(
        type="CREATED", start="Transaction", end="Output", about="The output is the transaction's."
    ),
    Relationship(
        type="SPENT",
        start="Transaction",
        end="Output",
        about="The transaction spends the output.",
        properties=(
            Property("place", "INTEGER", "Which input it is, from 0; absent in older loads."),
        ),
    ),
    Relationship(type="OWNS", start="Wallet", end="Output", about="The output pays the wallet."),
    Relationship(
        type="GRANTED", start="Wallet", end="Approval", about="The wallet gave the approval."
    ),
    Relationship(
        type="APPROVED",
        start="Transaction",
        end="Approval",
        about="The transaction carries the approval.",
    ),
    Relationship(
        type="SPENDER", start="Approval", end="Wallet", about="The wallet may move the tokens."
    ),
    Relationship(
        type="SWAPPED", start="Transaction", end="Swap", about="The transaction made the swap."
    ),
    Relationship(
        type="RULED", start="Transaction", end="Freeze", about="The transaction carries the act."
    ),
    Relationship(type="CONCERNS", start="Freeze", end="Wallet", about="The wallet it is done to."),
    Relationship(type="IN_POOL", start="Swap", end="Wallet", about="The pool that swapped."),
    Relationship(
        type="LINKED",
        start="Wallet",
        end="Wallet",
        about="The two may be one: evidence of clustering. The direction means nothing.",
        properties=(Property("id", "STRING", "Id of the Evidence node."), *_link()),
    ),
    Relationship(
        type="IN_CLUSTER",
        start="Wallet",
        end="Cluster",
        about="The published run takes it for one with the others there.",
        properties=(Property("run", "STRING", "Id of the run that put it there."),),
    ),
    Relationship(
        type="TRACED",
        start="Trace",
        end="Wallet",
        about="Traced value reached the wallet; one road for each token.",
        properties=(
            Property("token", "STRING", "Token id."),
            Property("reached_raw", "STRING", "Base units that came in all, decimal text."),
            Property("hops", "INTEGER", "Transfers from the seed, by the shortest way."),
            Property("fates", "STRING", "What ended there: held, service …, between spaces."),
        ),
    ),
    Relationship(
        type="FOLLOWED",
        start="Trace",
        end="Transfer",
        about="The transfer carried traced value.",
        properties=(
            Property("traced_raw", "STRING", "How much of it is traced, decimal text."),
            Property("hops", "INTEGER", "Transfers from the seed, by the shortest way."),
        ),
    ),
    Relationship(
        type="PLACED",
        start="ClusterReplay",
        end="Wallet",
        about="The replay takes it for one with all that have the same `cluster`.",
        properties=(
            Property("cluster", "STRING", "`cluster:` and the first of its wallets."),
            Property("size", "INTEGER", "Wallets in that cluster."),
            Property("actor", "STRING", "Id of the only actor that labels name of them."),
        ),
    ),
    Relationship(type="HAS_LABEL", start="Wallet", end="Label", about="The claim is about it."),
    Relationship(type="NAMES", start="Label", end="Actor", about="The claim names the actor."),
)
