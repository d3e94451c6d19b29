"""Senders of webhooks as they sign: bodies in their shape, and the header that proves them."""

import hashlib
import hmac
import json
import secrets
from typing import Any

from eth_utils.crypto import keccak

from graph_api.domain.webhooks import Sender


def new_secret() -> str:
    """A secret that nobody has seen."""
    return secrets.token_urlsafe(24)


def proof(sender: Sender, body: bytes, secret: str) -> dict[str, str]:
    """The header with which ``sender`` proves ``body``."""
    match sender:
        case Sender.MORALIS:
            value = "0x" + keccak(body + secret.encode()).hex()
        case Sender.ALCHEMY:
            value = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        case Sender.HELIUS:
            value = secret
    return {sender.header: value}


def encoded(told: Any) -> bytes:
    """JSON as senders write it: without spaces."""
    return json.dumps(told, separators=(",", ":")).encode()


def test_call() -> bytes:
    """What Moralis sends to ask whether somebody listens."""
    nothing: dict[str, Any] = {
        "abi": {},
        "block": {"hash": "", "number": "", "timestamp": ""},
        "txs": [],
        "txsInternal": [],
        "logs": [],
        "chainId": "",
        "tag": "",
        "streamId": "",
        "confirmed": True,
        "retries": 0,
        "erc20Approvals": [],
        "erc20Transfers": [],
        "nftApprovals": [],
        "nftTransfers": [],
    }
    return encoded(nothing)


test_call.__test__ = False  # type: ignore[attr-defined]


def call(sender: Sender, number: int = 1, *, said_at: str = "2024-05-17T12:00:00Z") -> bytes:
    """A call that tells of something; another one for another number."""
    match sender:
        case Sender.MORALIS:
            told: Any = {
                "confirmed": False,
                "chainId": "0x1",
                "streamId": "stream",
                "retries": 0,
                "block": {"number": str(number), "hash": "0x", "timestamp": "1"},
                "txs": [],
                "logs": [],
            }
        case Sender.ALCHEMY:
            told = {
                "webhookId": "wh_1",
                "id": f"whevt_{number}",
                "createdAt": said_at,
                "type": "ADDRESS_ACTIVITY",
                "event": {"network": "ETH_MAINNET", "activity": []},
            }
        case Sender.HELIUS:
            told = [{"signature": str(number), "slot": number}]
    return encoded(told)
