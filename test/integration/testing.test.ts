import { afterAll, beforeAll, expect, test } from "vitest";
import { start, type TestAckwire } from "../../testing/index.ts";
import { synthesiseHere } from "../support/runs/synthesise-here.ts";

const HOUR_MS = 3_600_000;

let ackwire: TestAckwire;
beforeAll(async () => {
  ackwire = await start({ synthesise: synthesiseHere });
});
afterAll(() => ackwire.close());

const isoAfter = (hours: number) => new Date(ackwire.clock.now() + hours * HOUR_MS).toISOString();
const body = (accountId: string) =>
  ({ provider: "we-link", accountId, action: "connect", params: { profile_id: "p" } }) as const;
const eventsOf = (id: string) =>
  ackwire
    .received()
    .filter(({ event }) => "requestId" in event.data && event.data.requestId === id);

test("A request for after the weekend is sent then, and not before", async () => {
  const { requestId } = await ackwire.client.requests.create({
    ...body("we-link-account-1"),
    scheduled: isoAfter(63),
  });
  await ackwire.clock.advance("62h");
  expect((await ackwire.client.requests.get(requestId)).status).toBe("SCHEDULED");
  await ackwire.clock.advance("2h");
  const request = await ackwire.client.requests.get(requestId);
  expect(request.status).toBe("SUCCEEDED");
  const lateMs = Date.parse(request.submittedAt ?? "") - Date.parse(request.scheduled ?? "");
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(HOUR_MS);
  const types = eventsOf(requestId).map(({ event }) => event.type);
  expect(types).toContain("workflow.completed");
});

test("All eight attempts of a delivery happen at their times, and then it has failed", async () => {
  ackwire.receiver.answers(500);
  const { deliveryId, eventId } = await ackwire.client.webhook.test();
  await ackwire.clock.advance("40h");
  const attempts = ackwire.received().filter(({ event }) => event.id === eventId);
  expect(attempts).toHaveLength(8);
  const waits = attempts
    .slice(1)
    .map(({ at }, nth) => Date.parse(at) - Date.parse(attempts[nth]?.at ?? ""));
  // 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h, each ± 20 %, and at most a minute and a half late.
  const planned = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map((seconds) => seconds * 1_000);
  for (const [nth, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual((planned[nth] ?? 0) * 0.8);
    expect(wait).toBeLessThanOrEqual((planned[nth] ?? 0) * 1.2 + 90_000);
  }
  expect((await ackwire.client.deliveries.get(deliveryId)).status).toBe("failed");
  ackwire.receiver.answers(204);
});

test("A script decides what the provider answers", async () => {
  await ackwire.provider.will({ on: "submission", status: 400, body: { error: "no" }, times: 1 });
  const { requestId } = await ackwire.client.requests.create(body("we-link-account-2"));
  await ackwire.clock.advance("1h");
  expect((await ackwire.client.requests.get(requestId)).status).toBe("FAILED");
  const next = await ackwire.client.requests.create(body("we-link-account-2"));
  await ackwire.clock.advance("1h");
  expect((await ackwire.client.requests.get(next.requestId)).status).toBe("SUCCEEDED");
  await expect(ackwire.provider.will({ on: "never" as "poll" })).rejects.toThrow("refused");
});

test.each([["-1h"], [""], ["63 hours"], [-1], [Number.NaN]])(
  "The duration %j is refused",
  async (duration) => {
    expect(() => ackwire.clock.advance(duration)).toThrow(TypeError);
  },
);
