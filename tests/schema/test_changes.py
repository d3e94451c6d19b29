"""Changes and their keys: whoever sends one twice has it done once, and hears the first answer."""

import asyncio
from typing import Annotated, Any

import msgspec
import strawberry

from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.schema.changes import KEY, RefusalAnswer, change, change_or_refusal
from graph_api.schema.checks import places
from graph_api.schema.context import Context
from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.schema import build_schema
from graph_api.schema.steps import root
from graph_api.vault import jobs, workspaces
from graph_api.vault.vault import Door, Vault
from tests.given import NOW
from tests.schema.asking import ask_vault

REQUEST = """mutation ($address: String!, $key: String) {
  requestWallet(by: {account: {chain: "ethereum", address: $address}}, idempotencyKey: $key) {
    jobId state } }"""
CANCEL = """mutation ($id: String!, $key: String) {
  cancelJob(id: $id, idempotencyKey: $key) { jobId state finishedAt } }"""
ALICE, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20


class Made(msgspec.Struct, frozen=True):
    """What a change answers."""

    id: str
    secret: str | None


@strawberry.type
class Thing:
    id: str = strawberry.field(description="Its id.")
    secret: str | None = strawberry.field(description="Shown once.")

    @classmethod
    def of(cls, made: Made) -> "Thing":
        return cls(id=made.id, secret=made.secret)


ThingOrRefusal = Annotated[Thing | RefusalAnswer, strawberry.union("ThingOrRefusal")]


async def _nothing(vault: Vault) -> str:
    return "nothing"


async def _make(context: Context, *, id: str, principal: Principal) -> Made:
    await _enqueue(context.door, id, principal)
    if id == "broken":
        raise ValueError(id)
    if id == "refused":
        raise Refused("Not that one.", reason=RefusalReason.NAME_TAKEN, about=[id])

    async def tell() -> None:
        heard = context.part(list)
        vault: Vault = heard[0]
        # Who hears of it finds it.
        heard.append((await jobs.by_ids(vault, LOCAL, [id]))[id].id)

    context.afterwards.append(tell)
    return Made(id, "hush")


async def _enqueue(door: Door, id: str, principal: Principal) -> None:
    await jobs.enqueue(door, principal, id=id, kind="thing", arguments={}, now=NOW)


@strawberry.type
class Query:
    nothing: str = root(_nothing, description="Nothing.")


@strawberry.type
class Mutation:
    make: Thing = change(_make, of=Thing.of, description="Makes it.", arguments={"id": "Its id."})
    try_to_make: ThingOrRefusal = change_or_refusal(
        _make,
        of=Thing.of,
        description="Makes it.",
        arguments={"id": "Its id."},
        shown_once=("secret",),
    )


SCHEMA = GuardedSchema(Query, mutation=Mutation)
TRY = """mutation ($id: String!, $key: String) { tryToMake(id: $id, idempotencyKey: $key) {
  __typename ... on Thing { id secret } ... on Refusal { reason message about } } }"""


async def try_to_make(
    vault: Vault, id: str, key: str | None = None, heard: list[Any] | None = None
) -> Any:
    """What becomes of a thing."""
    nowhere: Any = None
    parts = (vault, [vault] if heard is None else heard)
    context = Context(graph=nowhere, clock=lambda: NOW, parts=parts)
    variables = {"id": id, "key": key}
    found = await SCHEMA.execute(TRY, variable_values=variables, context_value=context)
    return found.data["tryToMake"] if found.data else found.errors


def test_every_mutation_takes_a_key() -> None:
    fields = [place.field for place in places(build_schema()) if place.parent.name == "Mutation"]

    assert fields
    for field in fields:
        assert KEY in [argument.python_name for argument in field.arguments], field.python_name


async def test_the_same_change_again_is_answered_as_at_first(vault: Vault) -> None:
    first, _ = await ask_vault(vault, REQUEST, address=ALICE, key="1")
    id = first["requestWallet"]["jobId"]
    cancelled, _ = await ask_vault(vault, CANCEL, id=id, key="2")

    again, codes = await ask_vault(vault, REQUEST, address=ALICE.upper().replace("X", "x"), key="1")
    anew, _ = await ask_vault(vault, REQUEST, address=ALICE, key="3")
    once_more, _ = await ask_vault(vault, CANCEL, id=id, key="2")

    assert codes == []
    assert again == first == {"requestWallet": {"jobId": id, "state": "QUEUED"}}
    assert once_more == cancelled
    assert anew["requestWallet"]["jobId"] != id


async def test_without_a_key_everything_is_done_again(vault: Vault) -> None:
    first, _ = await ask_vault(vault, REQUEST, address=ALICE)
    await ask_vault(vault, CANCEL, id=first["requestWallet"]["jobId"])
    second, _ = await ask_vault(vault, REQUEST, address=ALICE)

    assert first["requestWallet"]["jobId"] != second["requestWallet"]["jobId"]


async def test_a_key_stands_for_one_change(vault: Vault) -> None:
    first, _ = await ask_vault(vault, REQUEST, address=ALICE, key="1")

    _, other_arguments = await ask_vault(vault, REQUEST, address=BOB, key="1")
    id = first["requestWallet"]["jobId"]
    _, other_mutation = await ask_vault(vault, CANCEL, id=id, key="1")
    _, no_key = await ask_vault(vault, REQUEST, address=BOB, key="")

    assert other_arguments == other_mutation == no_key == ["BAD_INPUT"]
    assert len((await jobs.history(vault, LOCAL)).rows) == 1
    assert (await jobs.history(vault, LOCAL)).rows[0].state is jobs.JobState.QUEUED


async def test_those_who_come_together_get_one_answer(vault: Vault) -> None:
    # Once a job has ended a wallet may be asked for again, so that only the key keeps it single.
    ends = await asyncio.gather(*(try_to_make(vault, "1", "key") for _ in range(5)))

    assert {(end["__typename"], end["id"]) for end in ends} == {("Thing", "1")}
    assert sorted(end["secret"] or "" for end in ends) == ["", "", "", "", "hush"]
    assert len((await jobs.history(vault, LOCAL)).rows) == 1


async def test_the_same_key_of_somebody_else_is_another(vault: Vault) -> None:
    other = Principal("bob", "elsewhere", PrincipalKind.PERSON)
    await workspaces.create(vault, other, id="elsewhere", name="Elsewhere", now=NOW)

    mine, _ = await ask_vault(vault, REQUEST, address=ALICE, key="1")
    theirs, codes = await ask_vault(vault, REQUEST, by_whom=other, address=BOB, key="1")

    assert codes == []
    assert mine != theirs


async def test_a_change_that_breaks_leaves_nothing_and_frees_its_key(vault: Vault) -> None:
    heard: list[Any] = [vault]
    (error,) = await try_to_make(vault, "broken", "key", heard)
    refusal = await try_to_make(vault, "refused", "key", heard)

    assert str(error.message).startswith("Something went wrong")
    assert refusal == {
        "__typename": "Refusal",
        "reason": "NAME_TAKEN",
        "message": "Not that one.",
        "about": ["refused"],
    }
    assert (await jobs.history(vault, LOCAL)).rows == []
    assert (await try_to_make(vault, "1", "key", heard))["id"] == "1"
    assert heard == [vault, "1"]


async def test_others_hear_of_a_change_when_it_is_on_record_and_once(vault: Vault) -> None:
    heard: list[Any] = [vault]
    await try_to_make(vault, "1", "key", heard)
    await try_to_make(vault, "1", "key", heard)

    assert heard == [vault, "1"]


async def test_who_is_no_member_changes_nothing(vault: Vault) -> None:
    stranger = Principal("mallory", "local", PrincipalKind.PERSON)

    _, codes = await ask_vault(vault, REQUEST, by_whom=stranger, address=ALICE, key="1")

    assert codes == ["NOT_FOUND"]
    assert (await jobs.history(vault, LOCAL)).rows == []
