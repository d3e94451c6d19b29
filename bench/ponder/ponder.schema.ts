// What is kept: every transfer, what each account holds, and what moved between two accounts.
import { onchainTable, primaryKey } from "ponder";

export const transfer = onchainTable("transfer", (t) => ({
  id: t.text().primaryKey(),
  from: t.hex().notNull(),
  to: t.hex().notNull(),
  value: t.bigint().notNull(),
  block: t.bigint().notNull(),
  time: t.bigint().notNull(),
}));

export const holding = onchainTable("holding", (t) => ({
  account: t.hex().primaryKey(),
  received: t.bigint().notNull(),
  sent: t.bigint().notNull(),
}));

export const flow = onchainTable(
  "flow",
  (t) => ({
    from: t.hex().notNull(),
    to: t.hex().notNull(),
    transfers: t.integer().notNull(),
    value: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.from, table.to] }) }),
);
