import { expect, test } from "vitest";
import { pathOf } from "../../console/src/api/path.ts";

const path = "/v1/operator/dead-letters/{queue}/messages/{messageId}/redrive";

test("The console puts each value into a path as one segment", () => {
  expect(pathOf(path, { queue: "inbound", messageId: "a/../b?c" })).toBe(
    "/v1/operator/dead-letters/inbound/messages/a%2F..%2Fb%3Fc/redrive",
  );
});

test.each([
  [".", 'messageId must not be "." or ".."'],
  ["..", 'messageId must not be "." or ".."'],
  ["", "messageId is missing"],
])("The console refuses the id %j: the path would be another one", (messageId, message) => {
  expect(() => pathOf(path, { queue: "inbound", messageId })).toThrow(message);
});
