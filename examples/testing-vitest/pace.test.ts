import { start, type TestAckwire } from "@ackwire/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

let ackwire: TestAckwire;

beforeEach(async () => {
  // A Friday. Business time stands still until a test moves it.
  ackwire = await start({ at: "2027-01-08T08:00:00Z" });
});

afterEach(() => ackwire.stop());

test("An invitation of Friday evening is sent on Monday morning", async () => {
  await ackwire.client.accounts.put("we-link-account-1", {
    provider: "we-link",
    preset: "off",
    hours: {
      timeZone: "Europe/Berlin",
      days: ["mon", "tue", "wed", "thu", "fri"],
      from: "09:00",
      to: "18:00",
    },
  });
  await ackwire.clock.advanceTo("2027-01-08T19:00:00+01:00");

  const requestId = await ackwire.submit({ params: { profile_id: "ACoABC1d2f" } });
  await ackwire.clock.advance("61h");
  expect(await ackwire.provider.submissions()).toEqual([]);
  const waiting = await ackwire.client.requests.get(requestId);
  expect(waiting).toMatchObject({ status: "QUEUED", waitsFor: "hours" });

  const request = await ackwire.waitFor(requestId);
  expect(request.status).toBe("SUCCEEDED");
  expect(request.submittedAt).toBe("2027-01-11T08:00:00.000Z");
});

test("A new account sends a little more each day", async () => {
  await ackwire.client.accounts.put("we-link-account-1", {
    provider: "we-link",
    preset: "off",
    limits: [{ category: "stConnectionRequests", per: "day", max: 3 }],
    warmUp: { days: 3, from: 0.34 },
  });
  await ackwire.client.webhook.update({ eventTypes: ["workflow.completed"] });
  const { items } = await ackwire.client.requests.createBatch({
    requests: Array.from({ length: 6 }, (_, n) => ({
      provider: "we-link",
      accountId: "we-link-account-1",
      action: "connect",
      params: { profile_id: `person-${n}` },
    })),
  });
  expect(items).toHaveLength(6);

  await ackwire.clock.advance("4d");
  const days = (await ackwire.provider.submissions()).map(({ at }) => at.slice(0, 10));
  const perDay = [...new Set(days)].map((day) => days.filter((one) => one === day).length);
  expect(perDay).toEqual([1, 1, 2, 2]);
});
