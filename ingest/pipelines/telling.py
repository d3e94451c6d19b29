"""What a block's facts amount to in the graph: ids of its transactions and transfers."""

from graph_api.analysis import allocation
from graph_api.domain.chains import Chain
from graph_api.domain.records import Freeze, Record, Transaction, Transfer, UtxoTransaction
from graph_api.store.ledger.facts import destroyed_transfer, native_transfer
from ingest.sources.chain import BlockFacts


def ids_told(facts: BlockFacts, chain: Chain) -> set[str]:
    """Ids of the transactions and transfers that a block should have."""
    records: list[Record] = [*facts.records, *derived(list(facts.records))]
    told: set[str] = set()
    for record in records:
        if isinstance(record, (Transaction, UtxoTransaction, Transfer)):
            told.add(record.id)
        if isinstance(record, Transaction) and record.status != 0:
            native = native_transfer(chain, record)
            if native is not None:
                told.add(native.id)
        if isinstance(record, Freeze):
            destroyed = destroyed_transfer(record)
            if destroyed is not None:
                told.add(destroyed.id)
        if isinstance(record, (Transfer, Freeze)) and record.transaction is not None:
            told.add(record.transaction)
    return told


def derived(records: list[Record]) -> list[Record]:
    """Transfers between addresses that UTXO transactions are read as."""
    return [
        transfer
        for record in records
        if isinstance(record, UtxoTransaction)
        for transfer in allocation.transfers(record)
    ]
