import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start, type TestAckwire } from "../../testing/index.ts";

const HOUR_MS = 3_600_000;
/** A Monday. */
const AT = "2027-01-04T08:00:00.000Z";

describe("A run that many tests share", () => {
  let ackwire: TestAckwire;
  beforeAll(async () => {
    ackwire = await start();
  });
  afterAll(() => ackwire.stop());

  const isoAfter = (hours: number) => new Date(ackwire.clock.now() + hours * HOUR_MS).toISOString();
  const eventsOf = (id: string) =>
    ackwire
      .received()
      .filter(({ event }) => "requestId" in event.data && event.data.requestId === id);

  test("A request for after the weekend is sent then, and not before", async () => {
    const scheduled = isoAfter(63);
    const requestId = await ackwire.submit({ scheduled });
    await ackwire.clock.advance("62h");
    expect((await ackwire.client.requests.get(requestId)).status).toBe("SCHEDULED");
    await ackwire.clock.advance("1h");
    const request = await ackwire.client.requests.get(requestId);
    expect(request).toMatchObject({ status: "SUCCEEDED", submittedAt: scheduled });
    const types = eventsOf(requestId).map(({ event }) => event.type);
    expect(types).toEqual(["workflow.created", "workflow.started", "workflow.completed"]);
    expect((await ackwire.provider.submissions()).at(-1)).toMatchObject({
      at: scheduled,
      provider: "we-link",
      accountId: "we-link-account-1",
      status: 200,
    });
  });

  test("All eight attempts of a delivery happen at their times, and then it has failed", async () => {
    await ackwire.receiver.answers(500);
    const { deliveryId, eventId } = await ackwire.client.webhook.test();
    await ackwire.clock.advance("40h");
    const attempts = ackwire.received().filter(({ event }) => event.id === eventId);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const waits = attempts
      .slice(1)
      .map(({ at }, nth) => Date.parse(at) - Date.parse(attempts[nth]?.at ?? ""));
    // 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h, each ± 20 %, and at most a minute and a half late.
    const planned = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    for (const [nth, wait] of waits.entries()) {
      const plannedMs = (planned[nth] ?? 0) * 1_000;
      expect(wait).toBeGreaterThanOrEqual(plannedMs * 0.8);
      expect(wait).toBeLessThanOrEqual(plannedMs * 1.2 + 90_000);
    }
    expect((await ackwire.client.deliveries.get(deliveryId)).status).toBe("failed");
    await ackwire.receiver.answers(204);
  });

  test("A receiver fails as often as it is told to", async () => {
    await ackwire.receiver.fails(2, 503);
    const { eventId } = await ackwire.client.webhook.test();
    await ackwire.clock.advance("1h");
    const attempts = ackwire.received().filter(({ event }) => event.id === eventId);
    expect(attempts.map(({ status }) => status)).toEqual([503, 503, 204]);
  });

  test("A script decides what the provider answers", async () => {
    await ackwire.provider.will({ on: "submission", status: 400, body: { error: "no" }, times: 1 });
    const refused = await ackwire.waitFor(await ackwire.submit());
    expect(refused.status).toBe("FAILED");
    const next = await ackwire.waitFor(await ackwire.submit());
    expect(next.status).toBe("SUCCEEDED");
    await expect(ackwire.provider.will({ on: "never" as "poll" })).rejects.toThrow(TypeError);
  });

  test("Nothing follows from a call until time is moved, also by nothing", async () => {
    const before = ackwire.received().length;
    const requestId = await ackwire.submit();
    expect(ackwire.received()).toHaveLength(before);
    expect((await ackwire.client.requests.get(requestId)).status).toBe("QUEUED");
    await ackwire.clock.advance("5m");
    expect((await ackwire.client.requests.get(requestId)).status).toBe("SUCCEEDED");
    expect(ackwire.received()).toHaveLength(before + 3);
  });

  test("A provider tells what nobody requested", async () => {
    await ackwire.provider.send("we-link", {
      status: "SUCCESS",
      event_type: "MESSAGE_REPLY",
      request_id: "reply-1",
      result: { text: "Yes" },
    });
    await ackwire.clock.advance(0);
    expect(ackwire.received().at(-1)?.event.type).toBe("message.reply");
    const refused = ackwire.provider.send("we-link", { nothing: "of We-Link" });
    await expect(refused).rejects.toThrow("answers this webhook with 400");
    const unknown = ackwire.provider.send("other" as "we-link", {});
    await expect(unknown).rejects.toThrow(TypeError);
  });

  test("A wait ends with an error that tells the state of the request", async () => {
    const { accountId = "" } = ackwire.accounts[1] ?? {};
    await ackwire.client.accounts.pause(accountId, { provider: "we-link" });
    const requestId = await ackwire.submit({ accountId });
    await expect(ackwire.waitFor(requestId, "1h")).rejects.toThrow("is still QUEUED");
  });

  test("Business time stands still between advances, and is not moved backwards", async () => {
    const before = ackwire.clock.now();
    await ackwire.client.health();
    expect(ackwire.clock.now()).toBe(before);
    await expect(ackwire.clock.advanceTo("2020-01-01")).rejects.toThrow(TypeError);
    await expect(ackwire.clock.advanceTo("tomorrow")).rejects.toThrow("ISO 8601");
  });

  test.each([["-1h"], [""], ["63 hours"], [-1], [Number.NaN]])(
    "The duration %j is refused",
    async (duration) => {
      await expect(ackwire.clock.advance(duration)).rejects.toThrow(TypeError);
    },
  );
});

/** Everything that happened to an account with a random gap and a failing receiver. */
async function story(seed: number) {
  await using ackwire = await start({
    at: AT,
    seed,
    settings: { paceMinSeconds: 300, paceMaxSeconds: 900 },
  });
  await ackwire.receiver.fails(3);
  await ackwire.client.webhook.test();
  await ackwire.clock.advance("2h");
  const ids = [await ackwire.submit(), await ackwire.submit(), await ackwire.submit()];
  await ackwire.clock.advance("1d");
  const requests = await Promise.all(ids.map((id) => ackwire.client.requests.get(id)));
  return {
    submitted: requests.map(({ submittedAt }) => submittedAt),
    received: ackwire
      .received()
      .map(({ at, status, event }) => `${at} ${status} ${event.type} ${event.id}`)
      .sort(),
  };
}

describe("Runs of their own", () => {
  test("The same seed draws the same gaps and delays, and another seed others", async () => {
    const [first, again, other] = [await story(7), await story(7), await story(8)];
    expect(again).toEqual(first);
    expect(first.submitted[0]).toBe("2027-01-04T10:00:00.000Z");
    expect(other.submitted[1]).not.toBe(first.submitted[1]);
  });

  test("A setting that does not exist, or is out of its range, is refused by its name", async () => {
    const wrong = { paceMinSeconds: -1, speed: 2 };
    await expect(start({ settings: wrong })).rejects.toThrow(/speed: 2.*paceMinSeconds: -1/);
    await expect(start({ at: "tomorrow" })).rejects.toThrow(TypeError);
  });

  test("A stopped run answers nothing, and may be stopped again", async () => {
    const ackwire = await start();
    await ackwire.stop();
    await ackwire.stop();
    await expect(ackwire.clock.advance("1h")).rejects.toThrow("has been stopped");
    await expect(fetch(`${ackwire.apiUrl}/v1/health`)).rejects.toThrow();
  });

  test("Two runs at the same time know nothing of each other", async () => {
    await using one = await start({ at: AT });
    await using other = await start({ at: AT });
    await one.waitFor(await one.submit());
    await one.clock.advance("1d");
    expect(other.received()).toEqual([]);
    expect(new Date(other.clock.now()).toISOString()).toBe(AT);
  });
});
