import { expect, test } from "vitest";
import { latenciesOf } from "../../bench/events/load.ts";
import { placeOf } from "../../bench/events/profiles.ts";

const at = { lineNumber: 0, columnNumber: 0, functionName: "f" };

test.each([
  [{ url: "" }, "native code"],
  [{ url: "", functionName: "(garbage collector)" }, "(garbage collector)"],
  [{ url: "node:internal/http" }, "node:internal/http"],
  [{ url: "file:///a/node_modules/@aws-sdk/client-sqs/dist/x.js" }, "@aws-sdk/client-sqs"],
  [{ url: "file:///a/node_modules/x/node_modules/zod/v4/y.js" }, "zod"],
  [{ url: "file:///bench/shared/core/clock.ts" }, "shared/core"],
  [{ url: "file:///a/asset.0/chunk.js" }, "libraries in the bundle"],
])("The frame %o is of %s", (frame, place) => {
  expect(placeOf({ ...at, ...frame })).toBe(place);
});

test("A message's latency is that of its first receipt, in the order of sending", () => {
  const sent = [
    { id: "a", atMs: 10, ackMs: 1 },
    { id: "b", atMs: 20, ackMs: 1 },
  ];
  const posts = [
    { id: "a", atMs: 15 },
    { id: "b", atMs: 40 },
    { id: "a", atMs: 50 },
  ];
  expect(latenciesOf(sent, posts)).toEqual([5, 20]);
});
