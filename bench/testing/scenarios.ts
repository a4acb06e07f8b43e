import { start, type TestAckwire } from "../../testing/index.ts";

/** What the start and the scenario took, each apart, and everything that was seen. */
export interface ScenarioRun {
  startMs: number;
  scenarioMs: number;
  result: unknown;
}

/** The scenarios of `examples/testing-vitest`, each with a run of its own. */
export const scenarios: Readonly<Record<string, () => Promise<ScenarioRun>>> = {
  "a weekend": () => inRun(weekend),
  "eight attempts": () => inRun(eightAttempts),
  "a warm-up": () => inRun(warmUp),
};

/** A Friday. */
const AT = "2027-01-08T08:00:00Z";

async function inRun(scenario: (ackwire: TestAckwire) => Promise<unknown>): Promise<ScenarioRun> {
  const startedMs = performance.now();
  const ackwire = await start({ at: AT });
  const startMs = performance.now() - startedMs;
  try {
    const seen = await scenario(ackwire);
    const scenarioMs = performance.now() - startedMs - startMs;
    const received = ackwire
      .received()
      .map(({ at, attempt, status, event }) => `${at} ${attempt} ${status} ${event.id}`)
      .sort();
    return { startMs, scenarioMs, result: { seen, received } };
  } finally {
    await ackwire.stop();
  }
}

async function weekend(ackwire: TestAckwire): Promise<unknown> {
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
  const requestId = await ackwire.submit();
  await ackwire.clock.advance("61h");
  const before = await ackwire.provider.submissions();
  const { status, submittedAt } = await ackwire.waitFor(requestId);
  return { before: before.length, status, submittedAt };
}

async function eightAttempts(ackwire: TestAckwire): Promise<unknown> {
  await ackwire.receiver.answers(500);
  const { deliveryId } = await ackwire.client.webhook.test();
  await ackwire.clock.advance("40h");
  const failed = (await ackwire.client.deliveries.get(deliveryId)).status;
  await ackwire.receiver.answers(204);
  await ackwire.client.deliveries.resend(deliveryId);
  await ackwire.clock.advance("1m");
  return [failed, (await ackwire.client.deliveries.get(deliveryId)).status];
}

async function warmUp(ackwire: TestAckwire): Promise<unknown> {
  await ackwire.client.accounts.put("we-link-account-1", {
    provider: "we-link",
    preset: "off",
    limits: [{ category: "stConnectionRequests", per: "day", max: 3 }],
    warmUp: { days: 3, from: 0.34 },
  });
  await ackwire.client.webhook.update({ eventTypes: ["workflow.completed"] });
  await ackwire.client.requests.createBatch({
    requests: Array.from({ length: 6 }, (_, n) => ({
      provider: "we-link",
      accountId: "we-link-account-1",
      action: "connect",
      params: { profile_id: `person-${n}` },
    })),
  });
  await ackwire.clock.advance("4d");
  return (await ackwire.provider.submissions()).map(({ at }) => at);
}
