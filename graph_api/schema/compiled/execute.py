"""Runs operations by their plans, keeps the plans with their documents, counts what could not."""

from collections import Counter
from typing import Any, Final

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues, get_variable_values

from graph_api.schema.compiled.plan import Plan, Planner
from graph_api.schema.compiled.run import Run, Unforeseen
from graph_api.schema.compiled.selecting import Reason, Refused, Selected, selected


class Compiled:
    """One operation and its plans, one for each way in which its variables select."""

    __slots__ = ("plans", "selected")

    def __init__(self, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.plans: dict[tuple[Any, ...], Plan | Refused] = {}
        self.selected: Selected | Refused
        fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        try:
            self.selected = selected(operation, fragments)
        except Refused as refused:
            self.selected = refused

    def plan(self, planner: Planner, variables: VariableValues) -> Plan:
        """The plan for these variables, made at first use. Raises: Refused."""
        if isinstance(self.selected, Refused):
            raise self.selected.with_traceback(None)
        values = tuple(variables.coerced.get(name) for name in self.selected.switches)
        if not all(isinstance(value, bool) for value in values):
            raise Refused(Reason.DIRECTIVE, "A variable of @skip or @include has no value.")
        plan = self.plans.get(values)
        if plan is None:
            try:
                plan = planner.plan(self.selected, variables)
            except Refused as refused:
                plan = refused
            self.plans[values] = plan
        if isinstance(plan, Refused):
            raise plan.with_traceback(None)
        return plan


class CompiledExecutor:
    """Executes queries of one schema; ``counts`` has how many by each executor and reason.

    A plan that was run ``together_after`` times joins its statements from then on: a database has
    to plan each joined statement anew, which pays where it is asked again.
    """

    def __init__(self, schema: strawberry.Schema, *, together_after: int = 2) -> None:
        self.planner, self.together_after = Planner(schema), together_after
        self.schema: GraphQLSchema = schema._schema
        self.counts: Counter[tuple[str, str]] = Counter()

    async def execute(
        self,
        compiled: Compiled,
        *,
        variables: dict[str, Any] | None,
        context: Any,
        root_value: Any,
    ) -> ExecutionResult:
        """The answer, or the errors of the variables.

        Raises: Refused where the standard executor is to answer.
        """
        if isinstance(compiled.selected, Refused):
            raise compiled.selected.with_traceback(None)
        definitions = compiled.selected.operation.variable_definitions
        values = _NO_VARIABLES
        if definitions:
            found = get_variable_values(self.schema, definitions, variables or {})
            if isinstance(found, list):
                return ExecutionResult(None, found)
            values = found
        plan = compiled.plan(self.planner, values)
        plan.runs += 1
        together = plan.asks and plan.runs > self.together_after
        run = Run(context, values, uses=plan.uses, together=together)
        try:
            return await _answer(plan, run, root_value)
        except Unforeseen:
            message = "A value has a class that the plan does not expect."
            raise Refused(Reason.UNFORESEEN, message) from None


async def _answer(plan: Plan, run: Run, root_value: Any) -> ExecutionResult:
    assert run.data is not None
    try:
        plan.root.field_by_field(run, root_value, run.data, None)
    except GraphQLError as error:
        run.nothing_left(error)
    await run.finish()
    return ExecutionResult(run.data, run.errors or None)


_NO_VARIABLES: Final = VariableValues({}, {})
