import { expect, test } from "vitest";

const names = ["claude", "codex", "gemini", "cursor", "aider", "goose", "amp", "crush"];
test("names", () => {
  expect(names).toContain("claude");
  expect("npx @openai/codex".split(" ")[0]).toBe("npx");
  expect(order("o1", "o3")).toEqual(["o1", "o3"]);
});
const order = (...all: string[]) => all;
