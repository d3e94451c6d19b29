"""The schema put together, checked, and printed to ``schema.graphql`` beside this module."""

from pathlib import Path
from typing import Any, Final

import strawberry
from strawberry.schema.config import StrawberryConfig

from graph_api.schema.activity import TransactionActivity, WalletActivity
from graph_api.schema.alert_events import AlertSubscription
from graph_api.schema.alert_previews import AlertPreviewQuery
from graph_api.schema.alert_rules import AlertRuleMutation, AlertRuleQuery, WatchlistRules
from graph_api.schema.alerts import AlertMutation, AlertQuery, AlertRuleAlerts
from graph_api.schema.checks import check
from graph_api.schema.clusters import ClusterMutation, ClusterQuery, WalletClusters
from graph_api.schema.destinations import DestinationMutation, DestinationQuery
from graph_api.schema.freezes import FreezeSubscription
from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.holdings import TokenHolders, WalletHoldings
from graph_api.schema.inbox import InboxMutation, InboxQuery
from graph_api.schema.jobs import JobMutation, JobQuery, JobSubscription
from graph_api.schema.labels import LabelQuery, WalletLabels
from graph_api.schema.networks import NetworkQuery
from graph_api.schema.node import NodeQuery
from graph_api.schema.notices import AlertNotices, NoticeMutation, NoticeQuery
from graph_api.schema.otc import OtcQuery, OtcSubscription
from graph_api.schema.paths import PathQuery
from graph_api.schema.prices import PriceQuery, PriceSubscription, TokenAssets, TransferValues
from graph_api.schema.progress import ProgressSubscription
from graph_api.schema.protocols import WalletProtocols
from graph_api.schema.providers import ProviderSubscription
from graph_api.schema.queries import LedgerQuery
from graph_api.schema.scalars import SCALARS
from graph_api.schema.scanning import ScannerQuery
from graph_api.schema.search import SearchQuery
from graph_api.schema.status import ChainTokens, StatusQuery
from graph_api.schema.stored_replays import (
    StoredClusterReplayMutation,
    StoredClusterReplayQuery,
)
from graph_api.schema.stored_traces import StoredTraceMutation, StoredTraceQuery
from graph_api.schema.subscriptions import LedgerSubscription
from graph_api.schema.traces import TraceQuery
from graph_api.schema.transaction_graphs import TransactionGraphQuery
from graph_api.schema.walks import WalkQuery
from graph_api.schema.wallet_status import (
    WalletHistories,
    WalletRequestMutation,
    WalletStatusQuery,
)
from graph_api.schema.watchlists import WalletWatchlists, WatchlistMutation, WatchlistQuery

PRINTED: Final = Path(__file__).with_name("schema.graphql")

#: What types of the ledger get from modules of their own; naming them here loads those.
EXTENSIONS: Final = (
    WalletHoldings,
    TokenHolders,
    WalletActivity,
    TransactionActivity,
    WalletLabels,
    WalletProtocols,
    WalletHistories,
    WalletWatchlists,
    WalletClusters,
    WatchlistRules,
    AlertRuleAlerts,
    AlertNotices,
    ChainTokens,
    TransferValues,
    TokenAssets,
)


@strawberry.type(description="Everything that can be asked.")
class Query(
    LedgerQuery,
    WalkQuery,
    PathQuery,
    NetworkQuery,
    TransactionGraphQuery,
    LabelQuery,
    SearchQuery,
    StatusQuery,
    ScannerQuery,
    PriceQuery,
    OtcQuery,
    InboxQuery,
    JobQuery,
    WalletStatusQuery,
    WatchlistQuery,
    AlertRuleQuery,
    AlertQuery,
    AlertPreviewQuery,
    DestinationQuery,
    NoticeQuery,
    ClusterQuery,
    StoredClusterReplayQuery,
    TraceQuery,
    StoredTraceQuery,
    NodeQuery,
):
    """The root of all questions, one base class for each subject."""


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    InboxMutation,
    WalletRequestMutation,
    JobMutation,
    WatchlistMutation,
    AlertRuleMutation,
    AlertMutation,
    DestinationMutation,
    NoticeMutation,
    ClusterMutation,
    StoredClusterReplayMutation,
    StoredTraceMutation,
):
    """The root of all changes."""


@strawberry.type(description="Everything that is told as it happens.")
class Subscription(
    LedgerSubscription,
    PriceSubscription,
    ProgressSubscription,
    JobSubscription,
    OtcSubscription,
    AlertSubscription,
    FreezeSubscription,
    ProviderSubscription,
):
    """The root of all subscriptions, each declared with ``feed``."""


def build_schema(**options: Any) -> GuardedSchema:
    """The schema; ``options`` are those of ``GuardedSchema`` (limits, cache, suggestions …).

    Raises: TypeError when a field's declaration does not fit its types.
    """
    schema = GuardedSchema(
        Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
        **options,
    )
    check(schema)
    return schema


def printed(schema: GuardedSchema | None = None) -> str:
    """The schema in the schema definition language, as ``schema.graphql`` keeps it."""
    return (schema or build_schema()).as_str().rstrip() + "\n"
