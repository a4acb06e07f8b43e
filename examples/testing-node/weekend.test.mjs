import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "@ackwire/testing";

let ackwire;
before(async () => {
  ackwire = await start({ at: "2027-01-08T18:00:00Z" });
});
after(() => ackwire.stop());

test("A request that is scheduled for after the weekend is sent then", async () => {
  const requestId = await ackwire.submit({ scheduled: "2027-01-11T09:00:00.000Z" });
  await ackwire.clock.advance("62h");
  assert.equal((await ackwire.client.requests.get(requestId)).status, "SCHEDULED");
  await ackwire.clock.advance("1h");
  const { status, submittedAt } = await ackwire.client.requests.get(requestId);
  assert.deepEqual([status, submittedAt], ["SUCCEEDED", "2027-01-11T09:00:00.000Z"]);
});
