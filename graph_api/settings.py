"""Every knob, read at the front doors only and handed down as values."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph_api.domain.errors import BadInput
from graph_api.domain.targets import Reach, reach_of
from graph_api.domain.webhooks import Sender
from graph_api.store.address import GraphAddress, ReaderName
from graph_api.vault.home import default_url

ShelfName = Literal["process", "bus"]

MAX_WORKERS = 256
#: Shorter values could be guessed.
MIN_SECRET: Final = 12
_HOOK: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Neo4jSettings(BaseModel, frozen=True):
    """The graph. Without ``url`` the launcher starts the embedded engine."""

    url: str | None = Field(None, description="Bolt address, such as `neo4j://host:7687`.")
    user: str = Field("neo4j", description="Login of the graph.")
    password: SecretStr | None = Field(None, description="Password of the graph.")
    database: str = Field("neo4j", description="Name of the database.")
    pool_size: int = Field(50, ge=1, le=1000, description="Connections at most, of each worker.")
    query_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="A longer query ends with TOO_COSTLY."
    )
    reader: ReaderName = Field("lean", description="Who asks reads; `driver` is the slow way.")

    @property
    def address(self) -> GraphAddress | None:
        """The server of ``url``, if one is set."""
        if self.url is None:
            return None
        password = self.password.get_secret_value() if self.password else ""
        return GraphAddress(url=self.url, user=self.user, password=password, database=self.database)


class EmbeddedSettings(BaseModel, frozen=True):
    """The embedded graph: ArcadeDB in a child process."""

    heap_mb: int = Field(1024, ge=256, le=65536, description="Memory of the engine.")
    bolt_port: int = Field(0, ge=0, le=65535, description="0 picks a free port.")
    start_timeout_s: float = Field(120.0, gt=0, description="How long a start may take.")


class RedisSettings(BaseModel, frozen=True):
    """The bus. Without ``url`` the launcher starts an embedded Valkey."""

    url: SecretStr | None = Field(None, description="Such as `redis://host:6379/0`.")
    start_timeout_s: float = Field(30.0, gt=0, description="For the embedded one.")


class VaultSettings(BaseModel, frozen=True):
    """What belongs to people. Without ``url`` an SQLite file in the data folder."""

    url: SecretStr | None = Field(None, description="`postgresql+asyncpg://…`, SQLite where unset.")
    keys: SecretStr | None = Field(
        None,
        description=(
            "What seals secrets of destinations, the newest first, separated by commas; "
            "`deskgraph notices new-key` makes one. Unset: a file beside an SQLite vault."
        ),
    )

    @field_validator("keys")
    @classmethod
    def _given(cls, keys: SecretStr | None) -> SecretStr | None:
        return keys if keys and keys.get_secret_value() else None

    @property
    def shared(self) -> bool:
        """Whether machines may share it, as they share no file."""
        return self.url is not None and not self.url.get_secret_value().startswith("sqlite")


class HttpSettings(BaseModel, frozen=True):
    """The API's door."""

    host: str = Field("127.0.0.1", description="`0.0.0.0` for other machines too.")
    port: int = Field(8000, ge=0, le=65535, description="0 picks a free port.")
    workers: int = Field(
        1,
        ge=1,
        le=MAX_WORKERS,
        description="Processes that answer on this port; one uses one core.",
    )
    max_body_bytes: int = Field(1_000_000, ge=1_000, description="Of a request.")
    max_header_bytes: int = Field(32_768, ge=1_024, description="All headers together.")
    max_headers: int = Field(100, ge=10)
    max_target_bytes: int = Field(16_384, ge=1_024, description="Path and query of a GET.")
    graceful_stop_s: float = Field(
        20.0, ge=0, description="How long a stop waits for running queries."
    )


class GraphqlSettings(BaseModel, frozen=True):
    """Limits of the language; all of them are refused before validation."""

    max_characters: int = Field(100_000, ge=1_000, description="Of a document.")
    max_tokens: int = Field(4_000, ge=100, description="Words and signs of a document.")
    max_nesting: int = Field(40, ge=5, description="Brackets within brackets.")
    max_depth: int = Field(15, ge=3, description="Fields within fields.")
    max_aliases: int = Field(100, ge=1, description="Renamed fields.")
    max_selections: int = Field(3_000, ge=10, description="Fields, fragments spread out.")
    max_repeats: int = Field(200, ge=1, description="The same field in one place.")
    max_directives: int = Field(100, ge=1)
    max_root_fields: int = Field(20, ge=1, description="Questions in one operation.")
    timeout_s: float = Field(
        60.0, gt=0, le=3_600, description="Of a whole query, all its statements together."
    )
    cache_size: int = Field(1_000, ge=0, description="Checked documents to remember.")
    introspection: bool | None = Field(None, description="Unset follows the profile.")
    suggestions: bool | None = Field(None, description="Unset follows the profile.")
    graphiql: bool | None = Field(None, description="Unset follows the profile.")


class CacheSettings(BaseModel, frozen=True):
    """Answers that are kept: public graph data without errors, as bytes, for a moment."""

    life_s: float = Field(
        2.0, ge=0, le=3600, description="How old an answer may be; 0 keeps none and shares none."
    )
    shelf: ShelfName = Field("process", description="Where; `bus` shares them among processes.")
    max_entries: int = Field(10_000, ge=1, description="Of a process.")
    max_bytes: int = Field(
        67_108_864, ge=1_000_000, description="Of a process, in its memory or lent to the bus."
    )
    bus_timeout_s: float = Field(
        0.05, gt=0, le=5, description="A bus that takes longer is not asked for a while."
    )


class EventsSettings(BaseModel, frozen=True):
    """Events. What is younger than an age and among so many is kept; older events go."""

    stream_count: int = Field(
        100_000, ge=100, description="On the bus, for each line and chain; more if a group is slow."
    )
    stream_age_h: float = Field(48.0, gt=0, description="On the bus, hours.")
    outbox_count: int = Field(1_000_000, ge=100, description="In the graph, to refill the bus.")
    outbox_age_h: float = Field(168.0, gt=0, description="In the graph, hours.")


class LiveSettings(BaseModel, frozen=True):
    """Subscriptions, over WebSockets and as streams of server-sent events."""

    max_sockets: int = Field(
        20_000, ge=1, description="WebSockets of a process, and as many streams of events."
    )
    max_operations: int = Field(100, ge=1, description="At once on one WebSocket.")
    init_timeout_s: float = Field(5.0, gt=0, le=60, description="For `connection_init` to come.")
    ping_s: float = Field(
        25.0, gt=0, le=3600, description="How often a client is asked whether it lives."
    )
    queue_messages: int = Field(
        1_000, ge=1, description="May wait for a slow client; then it is parted from."
    )
    queue_bytes: int = Field(1_048_576, ge=1_000, description="The same in bytes.")
    send_timeout_s: float = Field(
        30.0, gt=0, description="A client that takes nothing for longer is parted from."
    )
    origins: tuple[str, ...] = Field(
        (),
        description=(
            'Pages of other origins that may connect: `["https://desk.example"]`; `["*"]` for all.'
        ),
    )


class WebhookSettings(BaseModel, frozen=True):
    """Webhooks. For each sender its hooks by name, and the secrets that prove their calls.

    Several values of one hook, separated by commas, hold side by side while one takes over.
    """

    moralis: dict[str, SecretStr] = Field(
        default={}, description="Secrets of Streams: `DESKGRAPH_WEBHOOKS__MORALIS__MAIN=…`."
    )
    alchemy: dict[str, SecretStr] = Field(
        default={}, description="Signing keys: `DESKGRAPH_WEBHOOKS__ALCHEMY__MAIN=…`."
    )
    helius: dict[str, SecretStr] = Field(
        default={}, description="Authorization values: `DESKGRAPH_WEBHOOKS__HELIUS__MAIN=…`."
    )
    max_body_bytes: int = Field(5_000_000, ge=1_000, le=100_000_000, description="Of a call.")
    body_timeout_s: float = Field(10.0, gt=0, le=600, description="A slower body is refused.")
    store_timeout_s: float = Field(
        5.0, gt=0, le=600, description="A vault that takes longer makes the sender try again."
    )
    max_age_h: float = Field(
        24.0, gt=0, description="An older call is refused, where its sender says when it was made."
    )
    kept_h: float = Field(
        168.0, gt=0, description="How long bodies are kept that are worked off, hours."
    )

    @field_validator("moralis", "alchemy", "helius")
    @classmethod
    def _named_and_secret(cls, hooks: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, values in hooks.items():
            if not _HOOK.fullmatch(name):
                raise ValueError(f"hook {name[:40]!r} needs a name of a-z, 0-9, - and _")
            if any(len(one) < MIN_SECRET for one in secrets_of(values)):
                raise ValueError(f"hook {name} needs secrets of {MIN_SECRET} characters or more")
        return hooks

    @model_validator(mode="after")
    def _kept_long_enough(self) -> Self:
        if self.kept_h < self.max_age_h:
            raise ValueError("kept_h is below max_age_h: a call could be played again")
        return self

    def secrets(self, sender: Sender, hook: str) -> tuple[SecretStr, ...]:
        """The secrets of a hook; none when there is no such hook."""
        known: dict[str, SecretStr] = getattr(self, sender.value)
        return secrets_of(known[hook]) if hook in known else ()


class WalletSettings(BaseModel, frozen=True):
    """A wallet that was asked for: how much of its history one request reads.

    What is reached first ends it; asking again goes on from there.
    """

    blocks: int = Field(5_000_000, ge=1, description="Blocks, counted for tokens and coin apart.")
    records: int = Field(20_000, ge=1, description="Transfers and transactions.")
    requests: int = Field(2_000, ge=1, description="Calls of nodes and explorers.")
    seconds: float = Field(120.0, gt=0, le=86_400, description="Of asking and writing.")
    at_once: int = Field(2, ge=1, le=32, description="Requests that a process works off at once.")


class ClusterSettings(BaseModel, frozen=True):
    """Who is one: what merges wallets into a cluster, what a run may take, and when one is due."""

    threshold: float = Field(
        0.6, gt=0, le=1, description="Less sure evidence is reported and merges nothing; fraction."
    )
    largest: int = Field(
        50_000, ge=2, description="Wallets of a cluster, deposit addresses not counted."
    )
    most_facts: int = Field(
        5_000_000, ge=1, description="Transfers of a chain that a run takes into memory, 1 KB each."
    )
    every_s: float = Field(
        600.0,
        ge=0,
        le=604_800,
        description="Between runs of a followed chain that has news, or of one that was clustered "
        "before; 0: only when asked for.",
    )


class PriceSettings(BaseModel, frozen=True):
    """Prices, in US dollars. Public data of exchanges; a service is asked where one is named."""

    exchanges: str = Field(
        "kraken bitstamp bitfinex",
        description="As ccxt calls them; `kraken=https://…` asks a mirror; empty: none.",
    )
    service: str | None = Field(
        None, description="A service in CoinGecko's shape: `https://api.coingecko.com/api/v3`."
    )
    service_key: SecretStr | None = Field(None, description="The service's key, if it wants one.")
    service_key_header: str = Field(
        "x-cg-demo-api-key", description="Header that the key goes into."
    )
    service_requests_per_s: float = Field(0.4, gt=0, le=1_000, description="Of the service.")
    assets: dict[str, str] = Field(
        default={},
        description="More assets, or others: symbol, `listing=` its id at the service, tokens: "
        '`DESKGRAPH_PRICES__ASSETS__MAKER="MKR listing=maker ethereum:0x…"`.',
    )
    every_s: float = Field(
        60.0, ge=0, le=86_400, description="Between two looks at what assets cost; 0 takes none."
    )
    keep_every_s: float = Field(
        300.0, gt=0, le=86_400, description="Between two prices in time that are kept."
    )
    keep_days: int = Field(
        30,
        ge=0,
        le=36_500,
        description="For so many days all prices in time are kept; then one an hour, and those "
        "that transfers are valued by. 0: all for good.",
    )
    hourly_days: int = Field(
        365, ge=0, le=36_500, description="After so many days one a day is kept instead."
    )
    tolerance_s: float = Field(
        7_200.0, gt=0, le=864_000, description="How much older than a transfer its price may be."
    )
    max_age_s: float = Field(600.0, gt=0, le=86_400, description="Of what a source says is now.")
    deviation: float = Field(
        0.05, gt=0, lt=1, description="How far from the median of all a source may be."
    )
    sources: int = Field(1, ge=1, le=20, description="How many exchanges have to agree at least.")
    look_back_h: float = Field(
        24.0,
        ge=0,
        le=8_760,
        description="How far back, each hour, transfers without a price are priced after all.",
    )


class NoticeSettings(BaseModel, frozen=True):
    """Notices: alerts that go out to webhooks, to Slack and by e-mail."""

    private_networks: tuple[str, ...] = Field(
        (),
        description=(
            'Webhooks may be in these networks too, there without TLS as well: `["10.1.0.0/16"]`. '
            "All others are on the public internet."
        ),
    )
    smtp_url: SecretStr | None = Field(
        None,
        description=(
            "Who sends mail: `smtps://user:password@host:465`, `smtp://` with STARTTLS, or "
            "`smtp+plain://` on this machine."
        ),
    )
    mail_from: str | None = Field(None, description="Whom mail is from: `alerts@desk.example`.")
    mail_domains: tuple[str, ...] = Field(
        (), description='Mail goes to these domains alone: `["desk.example"]`; to all where unset.'
    )
    at_once: int = Field(8, ge=1, le=256, description="Notices that a process sends at once.")
    patience_days: float = Field(
        5.0, gt=0, le=60, description="A destination that only fails for so long is switched off."
    )
    kept_days: float = Field(
        30.0, gt=0, description="How long notices are kept that were sent or dropped."
    )

    @field_validator("private_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        try:
            reach_of(networks)
        except BadInput as error:
            raise ValueError(str(error)) from error
        return networks

    @model_validator(mode="after")
    def _sent_by_somebody(self) -> Self:
        if self.smtp_url is not None and not (self.mail_from and self.mail_from.isascii()):
            raise ValueError("smtp_url needs mail_from, an address in ASCII")
        return self

    @property
    def reach(self) -> Reach:
        """Which machines webhooks may be on."""
        return reach_of(self.private_networks)


class OtcSettings(BaseModel, frozen=True):
    """OTC: which transfers are told of for their size alone."""

    floor_usd: Decimal = Field(
        Decimal(100_000), ge=0, description="Worth less, none is large, US dollars."
    )
    one_in: int = Field(
        1_000, ge=1, description="At most one of so many transfers of its token was as large."
    )
    days: int = Field(
        30, ge=1, le=366, description="How many whole days before its own are looked at."
    )
    least_transfers: int = Field(
        1_000, ge=1, description="How many transfers of its token there must have been."
    )


def secrets_of(values: SecretStr) -> tuple[SecretStr, ...]:
    """Values that are separated by commas."""
    return tuple(SecretStr(one.strip()) for one in values.get_secret_value().split(","))


class Settings(BaseSettings):
    """``DESKGRAPH_NEO4J__POOL_SIZE=80`` sets ``neo4j.pool_size``; a bad value stops the start."""

    model_config = SettingsConfigDict(
        env_prefix="DESKGRAPH_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # a bad value may be a secret
    )

    profile: str = Field(
        "development",
        pattern="^(development|production)$",
        description="`production` hides GraphiQL, introspection and suggestions.",
    )
    executor: str = Field(
        "compiled",
        pattern="^(compiled|standard)$",
        description="What answers queries: `compiled` plans each document once.",
    )
    home: Path = Field(Path(".deskgraph"), description="Data folder.")
    nodes: dict[str, SecretStr] = Field(
        default={},
        description='Nodes of chains: `DESKGRAPH_NODES__ETHEREUM="https://… wss://…"`.',
    )
    explorers: dict[str, SecretStr] = Field(
        default={},
        description="Explorers of chains, with their keys: "
        '`DESKGRAPH_EXPLORERS__ETHEREUM="https://…/api?apikey=…"`.',
    )
    neo4j: Neo4jSettings = Neo4jSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    redis: RedisSettings = RedisSettings()
    vault: VaultSettings = VaultSettings()
    http: HttpSettings = HttpSettings()
    graphql: GraphqlSettings = GraphqlSettings()
    cache: CacheSettings = CacheSettings()
    events: EventsSettings = EventsSettings()
    live: LiveSettings = LiveSettings()
    webhooks: WebhookSettings = WebhookSettings()
    wallets: WalletSettings = WalletSettings()
    clusters: ClusterSettings = ClusterSettings()
    prices: PriceSettings = PriceSettings()
    otc: OtcSettings = OtcSettings()
    notices: NoticeSettings = NoticeSettings()

    @property
    def vault_url(self) -> str:
        """The vault's database: the one that is named, else a file in the data folder."""
        given = self.vault.url
        return default_url(self.home) if given is None else given.get_secret_value()
