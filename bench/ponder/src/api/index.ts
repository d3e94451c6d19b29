// How many transfers are there: asked when all of them should be.
import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { count } from "ponder";

const app = new Hono();

app.get("/transfers", async (context) => {
  const [row] = await db.select({ count: count() }).from(schema.transfer);
  return context.json(row);
});

export default app;
