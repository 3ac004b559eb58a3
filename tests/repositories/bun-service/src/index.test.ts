import { expect, test } from "bun:test";
test("cursors", () => {
  const order = ["o1", "o2", "o3"];
  expect(order.at(-1)).toBe("o3");
  expect("r1").not.toBe("o4");
});
