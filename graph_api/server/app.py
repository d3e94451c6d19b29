"""The ASGI application: a schema, its checks and its settings become one Starlette app."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.limits import DocumentLimits
from graph_api.server import live_figures
from graph_api.server.cached import Answers, show_answers
from graph_api.server.channels import Channels
from graph_api.server.envelope import Envelope
from graph_api.server.event_streams import EventStreams
from graph_api.server.graphiql import ASSETS, STATIC, Assets, Example, GraphiQL
from graph_api.server.graphql import ContextGetter, GraphQLEndpoint
from graph_api.server.health import Health, ReadinessCheck
from graph_api.server.limits import RequestLimits
from graph_api.server.metrics import Metrics
from graph_api.server.recall import Recall
from graph_api.server.serving import LEAVE
from graph_api.server.sockets import Sockets
from graph_api.server.webhooks import PREFIX
from graph_api.settings import GraphqlSettings, Settings

GRAPHQL = "/graphql"
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class SchemaOptions(TypedDict):
    """The arguments of ``GuardedSchema`` that settings decide."""

    limits: DocumentLimits
    cache_size: int
    suggestions: bool
    introspection: bool
    executor: str
    timeout_s: float
    explain: bool


def schema_options(settings: Settings) -> SchemaOptions:
    """``GuardedSchema(Query, **schema_options(settings))`` follows settings and profile."""
    graphql = settings.graphql
    return SchemaOptions(
        limits=_limits(graphql),
        cache_size=graphql.cache_size,
        suggestions=_by_profile(graphql.suggestions, settings),
        introspection=_by_profile(graphql.introspection, settings),
        executor=settings.executor,
        timeout_s=graphql.timeout_s,
        explain=settings.profile == "development",
    )


def create_app(
    schema: GuardedSchema,
    *,
    settings: Settings,
    context_getter: ContextGetter | None = None,
    checks: Sequence[ReadinessCheck] = (),
    examples: Sequence[Example] = (),
    routes: Sequence[BaseRoute] = (),
    lifespan: Lifespan | None = None,
    measure: Callable[[Metrics], object] | None = None,
    answers: Answers | None = None,
    channels: Channels | None = None,
) -> Starlette:
    """Everything that answers HTTP.

    Args:
        context_getter: Makes what resolvers see as ``info.context``; an error of ours that it
            raises is answered with its code.
        checks: What ``/health/ready`` asks.
        examples: The queries in GraphiQL's first tabs.
        routes: More of them; ours go first.
        lifespan: Opens what the context needs and closes it after the last answer.
        measure: Adds figures to the metrics.
        answers: Keeps answers for a moment; every context is a ``Context`` then.
        channels: Where subscribers hear of events; without any, only operations that need none
            are answered over WebSockets.
    """
    metrics = Metrics(schema.documents, executions=schema.compiled.counts)
    if measure is not None:
        measure(metrics)
    health = Health(checks)
    graphiql = None
    if _by_profile(settings.graphql.graphiql, settings):
        graphiql = GraphiQL(examples, endpoint=GRAPHQL)
    context_getter = context_getter or _request_only
    channels = channels or Channels()
    streams = EventStreams(schema, channels=channels, metrics=metrics, settings=settings.live)
    endpoint = GraphQLEndpoint(
        schema,
        context_getter=context_getter,
        metrics=metrics,
        graphiql=graphiql,
        answers=answers,
        stream=streams,
    )
    sockets = Sockets(
        schema,
        context_getter=context_getter,
        channels=channels,
        metrics=metrics,
        settings=settings.live,
    )
    live_figures.show(channels, metrics, connections=lambda: len(sockets.open) + len(streams))
    ours: list[BaseRoute] = [
        Route(GRAPHQL, endpoint),
        WebSocketRoute(GRAPHQL, sockets),
        Route("/health/live", health.live),
        Route("/health/ready", health.ready),
        Route("/metrics", metrics.page),
    ]
    if graphiql is not None:
        ours.append(Mount(ASSETS, Assets(directory=STATIC / "assets", check_dir=False)))
    middleware = [
        Middleware(Envelope, metrics=metrics),
        Middleware(
            RequestLimits,
            http=settings.http,
            bodies={PREFIX: settings.webhooks.max_body_bytes},
        ),
        Middleware(_Straight, path=GRAPHQL, endpoint=endpoint),
    ]
    app = _Application(
        routes=[*ours, *routes],
        middleware=middleware,
        exception_handlers={HTTPException: _pass_on},
        lifespan=lifespan,
    )
    app.state.channels = channels
    setattr(app.state, LEAVE, (sockets.leave, streams.leave))
    if answers is not None:
        show_answers(answers, metrics)
        app.first = partial(
            Recall,
            path=GRAPHQL,
            answers=answers,
            context_getter=context_getter,
            metrics=metrics,
            http=settings.http,
        )
    return app


class _Application(Starlette):
    """A Starlette that lets ``first`` stand before everything else."""

    first: Callable[[ASGIApp], ASGIApp] | None = None

    def build_middleware_stack(self) -> ASGIApp:
        stack = super().build_middleware_stack()
        return self.first(stack) if self.first else stack


class _Straight:
    """The way to one path that passes no router: most requests go there."""

    def __init__(self, app: ASGIApp, *, path: str, endpoint: ASGIApp) -> None:
        self.app, self.path, self.endpoint = app, path, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["path"] == self.path
        await (self.endpoint if straight else self.app)(scope, receive, send)


def _limits(graphql: GraphqlSettings) -> DocumentLimits:
    return DocumentLimits(
        max_characters=graphql.max_characters,
        max_tokens=graphql.max_tokens,
        max_nesting=graphql.max_nesting,
        max_depth=graphql.max_depth,
        max_aliases=graphql.max_aliases,
        max_selections=graphql.max_selections,
        max_repeats=graphql.max_repeats,
        max_directives=graphql.max_directives,
        max_root_fields=graphql.max_root_fields,
    )


def _by_profile(wish: bool | None, settings: Settings) -> bool:
    return settings.profile == "development" if wish is None else wish


async def _pass_on(_request: Request, error: Exception) -> Response:
    raise error  # the envelope answers it like all others


async def _request_only(request: Request) -> dict[str, Any]:
    return {"request": request}
