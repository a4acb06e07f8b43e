import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { verifyWebhook } from "@ackwire/client";
import { start } from "@ackwire/testing";
import { expect, test, vi } from "vitest";

test("A webhook arrives at an endpoint of one's own", async () => {
  await using ackwire = await start();
  const types: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const event = await verifyWebhook(body, request.headers, ackwire.webhookSecret);
    types.push(event.type);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await ackwire.client.webhook.update({ url: `http://127.0.0.1:${port}/hooks` });

  await ackwire.waitFor(await ackwire.submit());
  expect(types.sort()).toEqual(["workflow.completed", "workflow.created", "workflow.started"]);
  server.close();
});

test("The code under test sees business time", async () => {
  await using ackwire = await start({ at: "2027-01-08T08:00:00Z" });
  vi.useFakeTimers({ toFake: ["Date"], now: ackwire.clock.now() });
  try {
    const inThreeDays = new Date(Date.now() + 3 * 86_400_000).toISOString();
    const requestId = await ackwire.submit({ scheduled: inThreeDays });
    const request = await ackwire.waitFor(requestId);
    expect(request.submittedAt).toBe("2027-01-11T08:00:00.000Z");
  } finally {
    vi.useRealTimers();
  }
});
