"""``deskgraph watch``: follows a subscription of the API in a terminal."""

import sys
from contextlib import aclosing
from typing import Any, Final

import click
import msgspec

from deskgraph.graph_commands import awaited
from deskgraph.live_client import Refused, follow
from graph_api.domain.alerts import Severity
from graph_api.domain.errors import BadInput
from graph_api.domain.otc import Reason
from graph_api.domain.records import ActorType
from graph_api.settings import Settings

MOVED: Final = """
fragment Moved on Transfer {
  transferId chainId amount amountRaw usd blockNumber blockTime senderId recipientId tokenId
  token { symbol }
}
"""
TRANSFERS: Final = """
subscription Watch($filter: TransferEventFilter, $delivery: Delivery!, $after: String) {
  transfers(filter: $filter, delivery: $delivery, after: $after) {
    kind: __typename
    ... on LiveEvent { cursor at }
    ... on TransferSeen { transfer { ...Moved } }
    ... on TransferRetracted { transfer { ...Moved } }
    ... on TransferFinalized { transfer { ...Moved } }
  }
}
"""
OTC: Final = """
subscription Watch($filter: OtcEventFilter, $after: String) {
  otcEvents(filter: $filter, after: $after) {
    kind: __typename
    ... on LiveEvent { cursor at }
    ... on OtcNews {
      reasons counterId
      dealers { actorId actor { name } }
      transfer { ...Moved }
    }
  }
}
"""
FREEZES: Final = """
subscription Watch($filter: FreezeFilter, $after: String) {
  freezes(filter: $filter, after: $after) {
    cursor at kind retracted walletId tokenId issuer amountRaw transactionId blockNumber blockTime
    token { symbol }
  }
}
"""
ALERTS: Final = """
subscription Watch($filter: AlertEventFilter, $after: String) {
  alerts(filter: $filter, after: $after) {
    kind: __typename
    ... on LiveEvent { cursor at }
    ... on AlertNews {
      alertId
      alert { number severity title ruleName eventAt acknowledgedBy note facts { name value } }
    }
  }
}
"""
PROVIDERS: Final = """
subscription Watch($chain: ChainId, $after: String) {
  providerStatus(chain: $chain, after: $after) {
    cursor at chainId
    nodes { name state head latencyMs faults askedAgainInS faultText }
  }
}
"""
PROGRESS: Final = """
subscription Watch($chain: ChainId, $after: String) {
  ingestProgress(chain: $chain, after: $after) {
    cursor at chainId blocksPerS recordsPerS rejected
    trouble { error }
    scanner { block head lag }
  }
}
"""
PRICES: Final = """
subscription Watch($assets: [String!], $after: String) {
  prices(assets: $assets, after: $after) { cursor at assetId symbol usd usdAt source }
}
"""
_MARKS: Final = {
    "TransferSeen": "+",
    "TransferRetracted": "-",
    "TransferFinalized": "=",
    "OtcDetected": "+",
    "OtcRetracted": "-",
    "AlertRaised": "+",
    "AlertRetracted": "-",
    "AlertAcknowledged": "=",
}

_url = click.option("--url", help="Of the API; the one of this installation where left out.")
_after = click.option("--after", help="Go on behind a cursor that --json printed.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group("watch")
def group() -> None:
    """Follow what happens, through the API, until stopped."""


@group.command("transfers")
@click.option("--chain", "chains", multiple=True, help="Slug or CAIP-2 id; several times for more.")
@click.option("--wallet", "wallets", multiple=True, help="`ethereum:0x…`; one of them takes part.")
@click.option("--token", "tokens", multiple=True, help="`ethereum:0x…`; it is one of them.")
@click.option("--watchlist", "lists", multiple=True, help="Id of a watchlist: something on it.")
@click.option("--asset", "assets", multiple=True, help="Id or symbol: of any token of it.")
@click.option(
    "--actor-type",
    "types",
    multiple=True,
    type=click.Choice([one.name for one in ActorType], case_sensitive=False),
    help="Sender or recipient is of one of these types.",
)
@click.option("--min-amount", help="At least so many whole units.")
@click.option("--min-usd", help="Worth at least so many US dollars in its block's time.")
@click.option("--finalized", is_flag=True, help="Only what is never taken back.")
@_url
@_after
@_json
@click.pass_obj
@awaited
async def transfers(
    settings: Settings,
    /,
    chains: tuple[str, ...],
    wallets: tuple[str, ...],
    tokens: tuple[str, ...],
    lists: tuple[str, ...],
    assets: tuple[str, ...],
    types: tuple[str, ...],
    min_amount: str | None,
    min_usd: str | None,
    finalized: bool,
    url: str | None,
    after: str | None,
    as_json: bool,
) -> None:
    """Show transfers: + seen, - taken back, = final."""
    wish = {
        "chains": [*chains],
        "wallets": [*wallets],
        "tokens": [*tokens],
        "watchlists": [*lists],
        "assets": [*assets],
        "actorTypes": [*types],
        "minAmount": min_amount,
        "minUsd": min_usd,
    }
    delivery = "FINALIZED" if finalized else "INSTANT"
    variables = {"filter": _given(wish), "delivery": delivery}
    await _show(settings, url, TRANSFERS + MOVED, after, as_json, variables, transfer_line)


@group.command("otc")
@click.option("--chain", "chains", multiple=True, help="Slug or CAIP-2 id; several times for more.")
@click.option("--actor", "actors", multiple=True, help="Id of a desk that takes part.")
@click.option("--watchlist", "lists", multiple=True, help="Id of a watchlist: something on it.")
@click.option("--asset", "assets", multiple=True, help="Id or symbol: of any token of it.")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    type=click.Choice([one.name for one in Reason], case_sensitive=False),
    help="A desk deals, both legs of a deal, or a size that is rare.",
)
@click.option("--min-usd", help="Worth at least so many US dollars in its block's time.")
@_url
@_after
@_json
@click.pass_obj
@awaited
async def otc(
    settings: Settings,
    /,
    chains: tuple[str, ...],
    actors: tuple[str, ...],
    lists: tuple[str, ...],
    assets: tuple[str, ...],
    reasons: tuple[str, ...],
    min_usd: str | None,
    url: str | None,
    after: str | None,
    as_json: bool,
) -> None:
    """Show transfers that are taken for OTC: + detected, - taken back."""
    wish = {
        "chains": [*chains],
        "actors": [*actors],
        "watchlists": [*lists],
        "assets": [*assets],
        "reasons": [*reasons],
        "minUsd": min_usd,
    }
    await _show(settings, url, OTC + MOVED, after, as_json, {"filter": _given(wish)}, otc_line)


@group.command("freezes")
@click.option("--chain", "chains", multiple=True, help="Slug or CAIP-2 id; several times for more.")
@click.option("--wallet", "wallets", multiple=True, help="`ethereum:0x…`; on one of them.")
@click.option("--token", "tokens", multiple=True, help="`ethereum:0x…`; of one of them.")
@click.option("--watchlist", "lists", multiple=True, help="Id of a watchlist: something on it.")
@_url
@_after
@_json
@click.pass_obj
@awaited
async def freezes(
    settings: Settings,
    /,
    chains: tuple[str, ...],
    wallets: tuple[str, ...],
    tokens: tuple[str, ...],
    lists: tuple[str, ...],
    url: str | None,
    after: str | None,
    as_json: bool,
) -> None:
    """Show what issuers of stablecoins do to wallets; what a chain takes back begins with -."""
    wish = {
        "chains": [*chains],
        "wallets": [*wallets],
        "tokens": [*tokens],
        "watchlists": [*lists],
    }
    await _show(settings, url, FREEZES, after, as_json, {"filter": _given(wish)}, freeze_line)


@group.command("providers")
@click.option("--chain", help="Slug or CAIP-2 id of the only chain to show.")
@_url
@_json
@click.pass_obj
@awaited
async def providers(
    settings: Settings, /, chain: str | None, url: str | None, as_json: bool
) -> None:
    """Show how the nodes of followed chains are doing, a line for each."""
    await _show(settings, url, PROVIDERS, None, as_json, {"chain": chain}, provider_lines)


@group.command("progress")
@click.option("--chain", help="Slug or CAIP-2 id of the only chain to show.")
@_url
@_json
@click.pass_obj
@awaited
async def progress(
    settings: Settings, /, chain: str | None, url: str | None, as_json: bool
) -> None:
    """Show how following chains goes."""
    await _show(settings, url, PROGRESS, None, as_json, {"chain": chain}, progress_line)


@group.command("alerts")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice([one.name for one in Severity], case_sensitive=False),
    help="Only of this severity; several times for more.",
)
@click.option("--rule", "rules", multiple=True, help="Only those of the rule of this id.")
@_url
@_after
@_json
@click.pass_obj
@awaited
async def alerts(
    settings: Settings,
    /,
    severities: tuple[str, ...],
    rules: tuple[str, ...],
    url: str | None,
    after: str | None,
    as_json: bool,
) -> None:
    """Show alerts: + raised, - taken back, = seen to."""
    wish = {"severities": [*severities], "rules": [*rules]}
    await _show(settings, url, ALERTS, after, as_json, {"filter": _given(wish)}, alert_line)


@group.command("prices")
@click.argument("assets", nargs=-1)
@_url
@_after
@_json
@click.pass_obj
@awaited
async def prices(
    settings: Settings,
    /,
    assets: tuple[str, ...],
    url: str | None,
    after: str | None,
    as_json: bool,
) -> None:
    """Show what ASSETS cost (ids or symbols; all of them where none is named), as it changes."""
    variables = {"assets": [*assets] or None}
    await _show(settings, url, PRICES, after, as_json, variables, price_line)


def _given(wish: dict[str, Any]) -> dict[str, Any]:
    """The conditions that were given."""
    return {name: value for name, value in wish.items() if value}


def transfer_line(item: dict[str, Any]) -> str:
    """One transfer for people."""
    moved = item["transfer"]
    amount = moved["amountRaw"] if moved["amount"] is None else f"{moved['amount']:,.8g}"
    token = (moved["token"] or {}).get("symbol") or moved["tokenId"] or "of something unknown"
    usd = f" (${moved['usd']:,.2f})" if moved["usd"] is not None else ""
    sender = moved["senderId"] or "nobody"
    return printable(
        f"{_MARKS[item['kind']]} {moved['blockTime'] or item['at']}  {moved['chainId']} "
        f"#{moved['blockNumber']}  {amount} {token}{usd}  {sender} -> {moved['recipientId']}"
    )


def otc_line(item: dict[str, Any]) -> str:
    """One deal for people."""
    dealers = [(one["actor"] or {}).get("name") or one["actorId"] for one in item["dealers"]]
    by = f"  by {', '.join(dealers)}" if dealers else ""
    reasons = " ".join(item["reasons"]).lower()
    return f"{transfer_line(item)}  {printable(reasons + by)}"


def freeze_line(item: dict[str, Any]) -> str:
    """One act of an issuer for people."""
    mark = "-" if item["retracted"] else "+"
    token = (item["token"] or {}).get("symbol") or item["tokenId"]
    amount = "" if item["amountRaw"] is None else f" of {item['amountRaw']} base units"
    return printable(
        f"{mark} {item['blockTime']}  {item['tokenId'].partition('/')[0]} #{item['blockNumber']}  "
        f"{item['issuer']} {item['kind'].lower()} {item['walletId']}{amount}  {token}"
    )


def provider_lines(item: dict[str, Any]) -> str:
    """The nodes of one chain for people."""
    return "\n".join(
        printable(f"{item['at']}  {item['chainId']}  {_node(one)}") for one in item["nodes"]
    )


def _node(one: dict[str, Any]) -> str:
    latency = "" if one["latencyMs"] is None else f"  {one['latencyMs']:.0f} ms"
    fault = "" if one["faultText"] is None else f"  {one['faultText']}"
    return f"{one['name']}  {one['state']}  block {one['head']}{latency}{fault}"


def alert_line(item: dict[str, Any]) -> str:
    """What became of an alert, for people."""
    alert = item["alert"]
    seen = f"  seen to by {alert['acknowledgedBy']}" if alert["acknowledgedBy"] else ""
    return printable(
        f"{_MARKS[item['kind']]} {alert['eventAt']}  #{alert['number']} {alert['severity']}  "
        f"{alert['title']}  ({alert['ruleName']}){seen}"
    )


def progress_line(item: dict[str, Any]) -> str:
    """How one chain goes, for people."""
    scanner = item["scanner"] or {}
    trouble = f"  {item['trouble']['error']}" if item["trouble"] else ""
    return printable(
        f"{item['at']}  {item['chainId']}  block {scanner.get('block')} of {scanner.get('head')}  "
        f"{item['blocksPerS']:.1f} blocks/s{trouble}"
    )


def price_line(item: dict[str, Any]) -> str:
    """One price for people."""
    return printable(
        f"{item['usdAt']}  {item['symbol']}  ${item['usd']}  {item['source']}  {item['assetId']}"
    )


def printable(text: str) -> str:
    """Names of tokens come from strangers, and a terminal obeys control characters."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


async def _show(
    settings: Settings,
    url: str | None,
    query: str,
    after: str | None,
    as_json: bool,
    variables: dict[str, Any],
    line: Any,
) -> None:
    address = socket_address(url or f"http://{settings.http.host}:{settings.http.port}")
    try:
        async with aclosing(follow(address, query, after=after, **variables)) as items:
            async for item in items:
                click.echo(msgspec.json.encode(item).decode() if as_json else line(item))
                sys.stdout.flush()
    except Refused as refused:
        raise BadInput(str(refused)) from refused


def socket_address(url: str) -> str:
    """Where the API's WebSocket is. Raises: BadInput."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https", "ws", "wss") or not rest:
        raise BadInput("--url is the API's address, such as http://127.0.0.1:8000.")
    path = rest.rstrip("/")
    return f"{scheme.replace('http', 'ws')}://{path.removesuffix('/graphql')}/graphql"
