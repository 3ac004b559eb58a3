import { rm } from "node:fs/promises";
await rm(new URL("../.cache/cursor.json", import.meta.url), { force: true });
