"""Answers of real nodes, served as a node would serve them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ingest.sources.bitcoin.chains import GENESIS
from tests.ingest.sources.json_rpc import Refusal

FOLDER = Path("bitcoin_rpc/test_export_blocks_job/bitcoin")


@dataclass(frozen=True)
class RecordedNode:
    """What was recorded in ``folder``; a node of verbosity 2 with an index of transactions."""

    folder: Path

    def __call__(self, method: str, params: list[Any]) -> Any:
        match method, params:
            case "getblockhash", [0]:
                return GENESIS
            case "getblockhash", [height]:
                return self._recorded(f"getblockhash_{height}")
            case "getblock", [named, verbosity]:
                block = self._recorded(f"getblock_{named}_2")
                if verbosity == 0:
                    raise Refusal(-8, "It was not recorded in this form.")
                return block
            case "getblockheader", [named, *_]:
                block = self._recorded(f"getblock_{named}_2")
                return {name: said for name, said in block.items() if name != "tx"}
            case "getrawtransaction", [txid, 0]:
                return self._recorded(f"getrawtransaction_{txid}")["hex"]
        raise Refusal(-32601, "Method not found")

    def _recorded(self, name: str) -> Any:
        path = self.folder / f"rpc_response_{name}.json"
        if not path.exists():
            raise Refusal(-5, "It was not recorded.")
        return json.loads(path.read_text())
