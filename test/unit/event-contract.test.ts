import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { samples } from "../../local/simulator/samples.ts";
import {
  consumerSchema,
  eventDetail,
  eventTypes,
  producerSchema,
} from "../../shared/contracts/events.ts";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import { toEventBridgeDetail, unmatchedEvent } from "../../shared/core/events/envelope.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";
import { runs } from "../support/runs/runs.ts";

function eventOf(provider: ProviderId, body: object) {
  const webhook = webhookOf(body);
  const { numbersAsText } = webhook;
  return unmatchedEvent(providerPacks[provider].parseWebhook(webhook), {
    provider,
    clientId: "cl_1",
    connectionId: "cn_1",
    receivedAtMs: Date.UTC(2026, 5, 25),
    numbersAsText,
  });
}

const parsed = (envelope: string): unknown => JSON.parse(envelope);

describe("every webhook of the providers' documentation becomes the right event", () => {
  test.each([
    ["LOGIN_PIN_REQUIRED", "workflow.actionRequired", "action_required", "LOGIN_PIN_REQUIRED"],
    ["LOGIN_SUCCESS", "workflow.completed", "completed", "LOGIN_SUCCESS"],
    ["CONNECTION_SENT", "workflow.completed", "completed", "CONNECTION_SENT"],
    ["asynchronous result", "workflow.completed", "completed", "CONNECTION_SENT"],
    ["WRONG_PASSWORD", "workflow.completed", "failed", "LOGIN_FAILED"],
    ["workflow.created", "workflow.created", "pending", "UNKNOWN"],
    ["workflow.started", "workflow.started", "running", "UNKNOWN"],
    ["workflow.completed", "workflow.completed", "completed", "UNKNOWN"],
    [
      "account.reconnectionRequired",
      "account.reconnectionRequired",
      "reconnection_required",
      "UNKNOWN",
    ],
    ["account.active", "account.active", "active", "UNKNOWN"],
    ["account.frozen", "account.frozen", "frozen", "UNKNOWN"],
    ["account.deleted", "account.deleted", "deleted", "UNKNOWN"],
  ])("the documented webhook %s becomes the right event", (name, type, status, eventType) => {
    const sample = samples.find((one) => one.name === name);
    expect(sample).toBeDefined();
    if (!sample) return;
    const event = eventOf(sample.provider, sample.body);
    expect(parsed(event.envelope)).toMatchObject({ type, data: { status, eventType } });
    producerSchema(event.type).parse(parsed(event.envelope));
    consumerSchema(event.type).parse(parsed(event.envelope));
    expect(eventDetail.parse(parsed(toEventBridgeDetail(event)))).toMatchObject({
      clientId: "cl_1",
      type,
    });
  });

  test("the table contains every documented webhook", () => {
    expect(samples).toHaveLength(12);
    expect(new Set(samples.map(({ name }) => name)).size).toBe(12);
  });
});

test("whatever a provider sends, the event has the form that its type promises", () => {
  const text = fc.string({ minLength: 1 });
  const result = fc.jsonValue({ maxDepth: 3 });
  const weLink = fc.record(
    {
      status: text,
      request_id: text,
      error: fc.jsonValue(),
      message: fc.jsonValue(),
      result,
      event_type: fc.jsonValue(),
      accountId: fc.jsonValue(),
    },
    { requiredKeys: ["status", "request_id"] },
  );
  const linkedApi = fc.record({
    id: text,
    type: fc.oneof(fc.constantFrom(...eventTypes), text),
    createdAt: fc.constant("2026-06-25T14:00:00+02:00"),
    data: fc.record(
      {
        workflowId: fc.oneof(text, fc.jsonValue()),
        accountId: fc.oneof(text, fc.jsonValue()),
        status: fc.oneof(fc.constantFrom("completed", "failed"), fc.jsonValue()),
        result,
      },
      { requiredKeys: [] },
    ),
  });
  const webhook = fc.oneof(
    weLink.map((body) => ["we-link", body] as const),
    linkedApi.map((body) => ["linked-api", body] as const),
  );
  fc.assert(
    fc.property(webhook, ([provider, body]) => {
      const event = eventOf(provider, body);
      producerSchema(event.type).parse(parsed(event.envelope));
    }),
    runs(3_000),
  );
  // The same sample each time: a random one sometimes reaches fewer types.
  const sample = fc.sample(webhook, { numRuns: 1_000, seed: 1 });
  const types = new Set(sample.map(([provider, body]) => eventOf(provider, body).type));
  expect(types.size).toBeGreaterThan(5);
});
