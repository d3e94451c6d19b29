"""The five policies: which units leave when a wallet pays that holds traced and other units.

Units of one token look alike, so a rule has to say which of them move. Each policy is one rule,
defined here for wallets of account chains, which hold a balance, and for transactions of UTXO
chains, which spend coins whole. Amounts are base units and stay integers.

| policy | a wallet that pays | a UTXO transaction |
|---|---|---|
| poison | all is traced from the first traced receipt on | all outputs, if one input is |
| haircut | the traced part leaves in proportion: t·a/b, rounded down | each output in proportion |
| FIFO | units that were received first leave first | inputs in order fill outputs in order |
| LIFO | units that were received last leave first | inputs, the last first, fill outputs in order |
| TIHO | traced units fill the highest payments first | they fill the highest outputs first |

The fee of a UTXO transaction is what is left when all outputs are filled. Haircut gives what
rounding leaves over to the largest remainders, so that nothing is lost. Under TIHO a wallet is
treated like one coin: what it pays in a transaction competes with what it keeps, the highest
first, of equals the earlier one, what is kept after payments, fees last.

Traced backwards, the same rules run over the same movements turned round: a wallet's last payment
is then its first receipt, what it holds at the end is what it begins with. FIFO and LIFO match each
unit that left with the one that came, so they lead back to exactly the units that were followed.

Sources: poison and haircut, Möser, Böhme and Breuker, "Towards Risk Scoring of Bitcoin
Transactions" (2014); FIFO, Clayton's case (1816) and Anderson, Shumailov, Ahmed and Rietmann,
"Bitcoin Redux" (2018); TIHO, Tironsakkul, Maarek, Eross and Just, arXiv 1906.05754, whose order of
equal outputs is not known to us: by place is ours. TIHO and LIFO on account chains, the place of
fees and the order backwards are ours too.
"""

from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from typing import Final

#: Base units; a fraction of them where haircut is asked for without rounding.
Amount = int | Fraction

#: How much of ``traced`` units of a ``balance`` leave with a payment of ``amount``.
Share = Callable[[Amount, Amount, int], Amount]


class Policy(StrEnum):
    """Which units leave; see the module."""

    POISON = "poison"
    HAIRCUT = "haircut"
    FIFO = "fifo"
    LIFO = "lifo"
    TIHO = "tiho"


#: Policies under which a wallet keeps its receipts apart, so that paths are exact.
QUEUED: Final = frozenset({Policy.FIFO, Policy.LIFO})


def rounded(traced: Amount, amount: Amount, balance: int) -> Amount:
    """Haircut in whole base units; what rounding leaves over stays where it is."""
    return traced * amount // balance


def rational(traced: Amount, amount: Amount, balance: int) -> Amount:
    """Haircut without rounding."""
    return Fraction(traced) * amount / balance
