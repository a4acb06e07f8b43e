import { expect, test } from "vitest";
import { callOperation } from "../../cli/ackwire/call-operation.ts";
import { UsageError } from "../../cli/ackwire/command.ts";

test.each([
  [".", 'messageId must not be "." or ".."'],
  ["..", 'messageId must not be "." or ".."'],
  ["", "messageId is missing"],
  [undefined, "messageId is missing"],
])("The id %j is refused: the path would be another one", async (messageId, message) => {
  let keys = 0;
  const place = {
    apiUrl: "http://127.0.0.1:9",
    operatorKey() {
      keys += 1;
      return "key";
    },
  };
  const called = callOperation(place, "redriveDeadLetter", { queue: "inbound", messageId });
  const error = await called.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toBe(message);
  // Without a key nothing was sent.
  expect(keys).toBe(0);
});
