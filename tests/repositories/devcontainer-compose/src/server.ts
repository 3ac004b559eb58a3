import fastify from "fastify";
const app = fastify();
app.get("/apples", async () => ["o1", "o3"].map((name) => ({ name, cursor: null })));
await app.listen({ port: 3000, host: "0.0.0.0" });
