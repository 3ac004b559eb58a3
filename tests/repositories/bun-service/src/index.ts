import { Hono } from "hono";
import { z } from "zod";

const Page = z.object({ cursor: z.string().optional(), limit: z.number().max(100).default(20) });
const app = new Hono();
app.get("/sailings", (c) => {
  const page = Page.parse(c.req.query());
  return c.json({ next_cursor: page.cursor ?? null, models: ["ro-ro", "o1", "hydrofoil"].length });
});
export default { port: Number(process.env.PORT ?? 3000), fetch: app.fetch };
