"""``deskgraph ingest``, ``jobs`` and ``prices``: what ingestion offers, on the graph that runs."""

from deskgraph import connect
from ingest.jobs import commands, price_commands, wallet_commands

ingest = commands.group(connect.current_graph, bus=connect.bus_url)
jobs = wallet_commands.jobs_group()
prices = price_commands.prices_group(connect.current_graph, bus=connect.bus_url)
