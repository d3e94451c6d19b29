// What becomes of a transfer.
import { ponder } from "ponder:registry";
import { flow, holding, transfer } from "ponder:schema";

ponder.on("Coin:Transfer", async ({ event, context }) => {
  const { from, to, value } = event.args;
  await context.db.insert(transfer).values({
    id: event.id,
    from,
    to,
    value,
    block: event.block.number,
    time: event.block.timestamp,
  });
  await context.db
    .insert(holding)
    .values({ account: to, received: value, sent: 0n })
    .onConflictDoUpdate((row) => ({ received: row.received + value }));
  await context.db
    .insert(holding)
    .values({ account: from, received: 0n, sent: value })
    .onConflictDoUpdate((row) => ({ sent: row.sent + value }));
  await context.db
    .insert(flow)
    .values({ from, to, transfers: 1, value })
    .onConflictDoUpdate((row) => ({ transfers: row.transfers + 1, value: row.value + value }));
});
