const { start } = require("@ackwire/testing");

let ackwire;
beforeAll(async () => {
  ackwire = await start({ at: "2027-01-08T18:00:00Z" });
}, 30_000);
afterAll(() => ackwire.stop());

test("A request that is scheduled for after the weekend is sent then", async () => {
  const requestId = await ackwire.submit({ scheduled: "2027-01-11T09:00:00.000Z" });
  await ackwire.clock.advance("62h");
  expect((await ackwire.client.requests.get(requestId)).status).toBe("SCHEDULED");
  await ackwire.clock.advance("1h");
  const { status, submittedAt } = await ackwire.client.requests.get(requestId);
  expect([status, submittedAt]).toEqual(["SUCCEEDED", "2027-01-11T09:00:00.000Z"]);
});
