"""One execution of a plan: which keys wait for which question, and what went wrong where.

Keys are collected while records are shaped; then each question is asked once for all of its keys,
independent questions at the same time, and what was waiting is shaped with the answers. A ``Link``
says where a value stands in the response, so that a path is only made for an error, and a null
that may not be is carried up to where it may.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol, TypeAlias

from graphql import FieldNode, GraphQLError
from graphql.error import located_error

from graph_api.schema.context import Context
from graph_api.store.graph import Engine, Graph
from graph_api.store.records import LookUp, ReadAlong
from graph_api.store.together import Together

#: The link of what it stands in (None at the root), its key there, the map or list to write it to,
#: and whether it may be null.
Link: TypeAlias = tuple[Any, str | int, Any, bool]

Path: TypeAlias = tuple[str | int, ...]


class Unforeseen(BaseException):
    """A value that only the standard executor knows how to answer; ends the run.

    Not an ``Exception``, because errors of fields are caught as such on the way up.
    """


class Unmade(BaseException):
    """A record that does not become an object; whoever fetched it says so in its place.

    Not an ``Exception``: what stands between the record and its step has no say.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Failed:
    """What a question raised, in the place of its answer."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Waiter(Protocol):
    """A field whose value a question answers."""

    def arrive(self, run: "Run", answer: Any, links: list[Link]) -> None:
        """Write what was answered for one key to every place that waits for it."""
        ...


class Question:
    """A function with arguments: asked for many keys at once, and never twice for one.

    What the records that it answers name may be looked up ``along`` with them: of each such
    question, the columns that name its keys.
    """

    __slots__ = (
        "along",
        "answers",
        "arguments",
        "batched",
        "function",
        "part",
        "queued",
        "waiting",
    )

    def __init__(
        self,
        function: Callable[..., Awaitable[Any]],
        part: type[Any],
        arguments: dict[str, Any],
        *,
        batched: bool,
    ) -> None:
        self.function, self.part, self.arguments = function, part, arguments
        self.batched = batched
        self.queued: list[Any] = []
        self.waiting: dict[Any, list[tuple[Waiter, list[Link]]]] = {}
        self.answers: dict[Any, Any] = {}
        self.along: dict[Question, tuple[LookUp, set[str]]] = {}

    async def ask(self, part: Any, keys: list[Any]) -> dict[Any, Any]:
        """The answer of each key, or what was raised for it; None where there is none."""
        try:
            found = await self.function(part, *((keys,) if self.batched else ()), **self.arguments)
            if not self.batched:
                return {_ALONE: found}
            get = found.get
            return {key: get(key) for key in keys}
        except Exception as error:
            failed = Failed(error)
            return dict.fromkeys(keys, failed)

    def know(self, found: dict[Any, Any]) -> None:
        """Take answers that nobody has asked for yet."""
        for key, answer in found.items():
            if key not in self.waiting:
                self.answers.setdefault(key, answer)

    def read_along(self) -> list[ReadAlong]:
        """The look-ups that go with this question."""
        return [
            ReadAlong(
                columns=tuple(sorted(columns)),
                look_up=look_up,
                wanted=question.arguments.get("columns"),
                take=question.know,
            )
            for question, (look_up, columns) in self.along.items()
        ]


_ALONE: Final = object()


class Run:
    """The state of one execution. ``uses`` holds what a plan's fields prepared for it.

    With ``together``, questions to the graph that are asked at one moment share a statement where
    its engine gains by that, and what is known to be needed next is asked with them.
    """

    __slots__ = (
        "_nulled",
        "_questions",
        "_queue",
        "_ready",
        "context",
        "data",
        "errors",
        "together",
        "uses",
        "variables",
    )

    def __init__(
        self, context: Context, variables: Any, *, uses: int, together: bool = False
    ) -> None:
        self.context, self.variables = context, variables
        graph = context.part_if_any(Graph) if together else None
        self.together = graph is not None and graph.engine is Engine.NEO4J
        self.data: dict[str, Any] | None = {}
        self.errors: list[GraphQLError] = []
        self.uses: list[Any] = [None] * uses
        self._nulled: set[Path] = set()
        self._questions: dict[Any, Question] = {}
        self._queue: list[Question] = []
        self._ready: dict[tuple[Question, Any, Waiter], list[Link]] = {}

    def question(
        self, function: Callable[..., Awaitable[Any]], part: type[Any], arguments: dict[str, Any]
    ) -> Question:
        """The question of keys with these arguments, whichever field asks it."""
        identity = (function, part, tuple(arguments.items()))
        question = self._questions.get(identity)
        if question is None:
            question = Question(function, part, arguments, batched=True)
            self._questions[identity] = question
        return question

    def want(self, question: Question, key: Any, waiter: Waiter, link: Link) -> None:
        """Let ``waiter`` have the answer of ``key`` at ``link``."""
        waiting = question.waiting.get(key)
        if waiting is not None:
            if waiting and waiting[-1][0] is waiter:
                waiting[-1][1].append(link)
            else:
                waiting.append((waiter, [link]))
        elif key in question.answers:
            self._ready.setdefault((question, key, waiter), []).append(link)
        else:
            self._line_up(question, key, [(waiter, [link])])

    def expect(self, question: Question, key: Any) -> None:
        """Ask ``key`` with what is asked next, because somebody will want it."""
        if key not in question.waiting and key not in question.answers:
            self._line_up(question, key, [])

    def want_alone(
        self,
        function: Callable[..., Awaitable[Any]],
        part: type[Any],
        arguments: dict[str, Any],
        waiter: Waiter,
        link: Link,
    ) -> None:
        """Let ``waiter`` have what ``function`` answers without keys."""
        self.want(Question(function, part, arguments, batched=False), _ALONE, waiter, link)

    async def finish(self) -> None:
        """Ask until nothing waits, or until there is nothing left to answer.

        Questions that still run then, or when the caller is cancelled, are cancelled.
        """
        asking: dict[asyncio.Task[dict[Any, Any]], Question] = {}
        try:
            while self.data is not None:
                self._deliver_ready()
                questions, self._queue = self._queue, []
                if len(questions) == 1 and not asking:
                    (question,) = questions
                    if keys := self._keys_to_ask(question):
                        part = self._part(question, None)
                        self._deliver(question, await question.ask(part, keys))
                    continue
                moment = Together(self.context.graph.read_values) if self.together else None
                for question in questions:
                    if keys := self._keys_to_ask(question):
                        part = self._part(question, moment)
                        asking[asyncio.ensure_future(question.ask(part, keys))] = question
                if not asking:
                    return
                await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in asking if task.done()]:
                    self._deliver(asking.pop(task), task.result())
        finally:
            if asking:
                for task in asking:
                    task.cancel()
                await asyncio.gather(*asking, return_exceptions=True)

    def failed(self, error: Exception, nodes: Iterable[FieldNode], link: Link) -> None:
        """Note ``error`` at ``link``, which is null then.

        Raises: GraphQLError with its path where null may not be.
        """
        located = located_error(error, list(nodes), list(path_of(link)))
        if not link[3]:
            raise located
        self._note(located, link)

    def failed_late(self, error: Exception, nodes: Iterable[FieldNode], link: Link) -> None:
        """The same for a value that arrives when everything above it is in place already."""
        located = located_error(error, list(nodes), list(path_of(link)))
        above: Link | None = link
        while above is not None:
            if above[3]:
                above[2][above[1]] = None
                self._note(located, above)
                return
            above = above[0]
        self.nothing_left(located)

    def nothing_left(self, error: GraphQLError) -> None:
        """Answer null for all: ``error`` went up to the root."""
        self.data = None
        self._note(error, None)

    def is_gone(self, link: Link) -> bool:
        """Whether an error has nulled this place, or one that it stands in."""
        if not self._nulled:
            return False
        path = path_of(link)
        return any(path[:length] in self._nulled for length in range(len(path) + 1))

    def _note(self, error: GraphQLError, link: Link | None) -> None:
        self._nulled.add(() if link is None else path_of(link))
        self.errors.append(error)

    def _part(self, question: Question, moment: Together | None) -> Any:
        """The door that a question goes through."""
        if not self.together or question.part is not Graph or not (moment or question.along):
            return self.context.part(question.part)
        graph = self.context.graph
        return graph.together(moment or Together(graph.read_values), question.read_along())

    def _line_up(
        self, question: Question, key: Any, waiting: list[tuple[Waiter, list[Link]]]
    ) -> None:
        question.waiting[key] = waiting
        if not question.queued:
            self._queue.append(question)
        question.queued.append(key)

    def _keys_to_ask(self, question: Question) -> list[Any]:
        keys, question.queued = question.queued, []
        if self._nulled:
            gone = [key for key in keys if self._nobody_waits(question.waiting[key])]
            for key in gone:
                del question.waiting[key]
            keys = [key for key in keys if key in question.waiting]
        return keys

    def _nobody_waits(self, waiting: list[tuple[Waiter, list[Link]]]) -> bool:
        return all(self.is_gone(link) for _, links in waiting for link in links)

    def _deliver(self, question: Question, answers: dict[Any, Any]) -> None:
        question.answers.update(answers)
        for key, answer in answers.items():
            for waiter, links in question.waiting.pop(key):
                waiter.arrive(self, answer, links)

    def _deliver_ready(self) -> None:
        while self._ready:
            ready, self._ready = self._ready, {}
            for (question, key, waiter), links in ready.items():
                waiter.arrive(self, question.answers[key], links)


def path_of(link: Link) -> Path:
    """Where ``link`` is, from the root."""
    keys = []
    place: Link | None = link
    while place is not None:
        keys.append(place[1])
        place = place[0]
    return tuple(reversed(keys))
