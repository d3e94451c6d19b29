"""What every UTXO file has in common: its chain, and what a whole transaction must satisfy."""

from graph_api.domain.chains import Chain, Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import output_id
from graph_api.domain.records import UtxoTransaction
from ingest.sources.files.format import Options


def utxo_chain(options: Options) -> Chain:
    """The UTXO chain among ``--chain``; Bitcoin where none is named. Raises: BadInput."""
    if not options.chains:
        return chain_of("bitcoin")
    fitting = [chain for chain in options.chains if chain.family is Family.UTXO]
    if len(fitting) != 1:
        raise BadInput(
            f"The file has inputs and outputs, which {options.chains[0].name} has not; "
            "add --chain bitcoin."
        )
    return fitting[0]


def whole(transaction: UtxoTransaction) -> UtxoTransaction:
    """``transaction``, when nothing of it is missing.

    Raises: BadInput when outputs are missing, inputs are, or they hold less than the outputs.
    """
    places = [output_id(transaction.id, place) for place in range(len(transaction.outputs))]
    if not places or [output.id for output in transaction.outputs] != places:
        raise BadInput("The outputs are not numbered from 0 without a gap.")
    if transaction.coinbase:
        return transaction
    if not transaction.inputs:
        raise BadInput("The transaction has no inputs and is no coinbase.")
    held = 0
    for spend in transaction.inputs:
        if spend.amount_raw is None:
            return transaction
        held += spend.amount_raw
    created = sum(output.amount_raw for output in transaction.outputs)
    if held < created:
        raise BadInput(f"The outputs hold {created} satoshi, the inputs only {held}.")
    return transaction
