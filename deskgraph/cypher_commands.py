"""``deskgraph cypher``."""

import click
from rich.console import Console

from deskgraph import connect, cypher_shell
from deskgraph.graph_commands import awaited
from graph_api.domain.errors import BadInput
from graph_api.settings import Settings


@click.command("cypher")
@click.argument("statement", required=False)
@click.option("--list", "listing", is_flag=True, help="List the questions that ship, and stop.")
@click.option("--print", "printing", is_flag=True, help="Print it for Neo4j Browser; run nothing.")
@click.option("--json", "form", flag_value="json", help="One JSON object a line.")
@click.option("--csv", "form", flag_value="csv", help="CSV with a header.")
@click.option("--write", is_flag=True, help="Allow the statement to change the graph.")
@click.option(
    "-p", "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter."
)
@click.pass_obj
@awaited
async def cypher(
    settings: Settings,
    statement: str | None,
    listing: bool,
    printing: bool,
    form: str | None,
    write: bool,
    parameters: tuple[str, ...],
) -> None:
    """Run STATEMENT on the running graph.

    STATEMENT is Cypher text, a file's path, - for standard input, or @QUESTION for a question of
    the cookbook.
    """
    if listing:
        cypher_shell.as_list(console=Console())
        return
    if statement is None:
        raise BadInput("Give a statement, a file, or @QUESTION; --list shows the questions.")
    asked = cypher_shell.asked(statement, parameters)
    if printing:
        click.echo(cypher_shell.as_script(asked), nl=False)
        return
    door = connect.open_graph if write else connect.graph_to_read
    async with door(settings) as graph:
        keys, rows = await cypher_shell.run(graph, asked, write=write)
    if form == "json":
        click.echo(cypher_shell.as_json(keys, rows), nl=False)
    elif form == "csv":
        click.echo(cypher_shell.as_csv(keys, rows), nl=False)
    else:
        cypher_shell.as_table(keys, rows, console=Console())
