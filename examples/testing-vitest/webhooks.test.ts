import { start } from "@ackwire/testing";
import { expect, test } from "vitest";

test("After eight attempts a delivery has failed, and can be sent again", async () => {
  await using ackwire = await start();
  await ackwire.receiver.answers(500);
  const { deliveryId, eventId } = await ackwire.client.webhook.test();
  await ackwire.clock.advance("40h");

  const attempts = ackwire.received().filter(({ event }) => event.id === eventId);
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect((await ackwire.client.deliveries.get(deliveryId)).status).toBe("failed");

  await ackwire.receiver.answers(204);
  await ackwire.client.deliveries.resend(deliveryId);
  await ackwire.clock.advance("1m");
  expect((await ackwire.client.deliveries.get(deliveryId)).status).toBe("delivered");
});

test("A webhook that fails twice arrives at the third attempt", async () => {
  await using ackwire = await start();
  await ackwire.receiver.fails(2, 503);
  await ackwire.provider.send("we-link", {
    status: "SUCCESS",
    event_type: "MESSAGE_REPLY",
    request_id: "reply-1",
    result: { thread_id: "thread-1", message_id: "message-1", text: "Yes, gladly." },
  });
  await ackwire.clock.advance("1h");

  const statuses = ackwire.received().map(({ event, status }) => [event.type, status]);
  expect(statuses).toEqual([
    ["message.reply", 503],
    ["message.reply", 503],
    ["message.reply", 204],
  ]);
});

test("A request that the provider refuses has failed", async () => {
  await using ackwire = await start();
  await ackwire.provider.will({
    on: "submission",
    match: { action: "connect" },
    times: 1,
    status: 400,
    body: { status: "ACCOUNT_RESTRICTED", message: "restricted" },
  });
  const request = await ackwire.waitFor(await ackwire.submit());
  expect(request).toMatchObject({ status: "FAILED", error: { code: "ACCOUNT_RESTRICTED" } });
});
