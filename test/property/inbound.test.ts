import fc from "fast-check";
import { expect, test } from "vitest";
import { deliverableTypes, eventDetail, producerSchema } from "../../shared/contracts/events.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { type ProviderId, providerPacks } from "../../shared/contracts/providers.ts";
import { toEventBridgeDetail, unmatchedEvent } from "../../shared/core/events/envelope.ts";
import { discriminatorOf, headerSafeId } from "../../shared/core/events/event-id.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import { type JsonObject, parseJsonObject } from "../../shared/core/json/json.ts";
import { topLevelMembers, withoutMember } from "../../shared/core/json/json-members.ts";
import type { ProviderPack } from "../../shared/core/providers/provider-pack.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";
import { runs } from "../support/runs/runs.ts";

const jsonObject = fc
  .dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 4 }))
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

/** A value where another one was meant. */
const leaf = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("x".repeat(600), "__proto__", "", "\ud800", "WRONG_PASSWORD"),
  fc.jsonValue({ maxDepth: 2 }),
  fc.record(
    {
      code: fc.string(),
      message: fc.string(),
      connected: fc.boolean(),
      success: fc.boolean(),
      actionType: fc.constantFrom("st.sendMessage", "toString"),
    },
    { requiredKeys: [] },
  ),
);

const linkedApiFrame = fc.record({
  id: fc.string({ minLength: 1 }),
  type: fc.constantFrom("workflow.created", "account.active", "webhook.test", "unknown"),
  createdAt: fc.constantFrom("2026-06-25T12:00:00Z", "2026-06-26T12:00:00Z"),
  data: fc.record({ workflowId: fc.string(), accountId: fc.string() }),
});

const body = fc
  .tuple(jsonObject, fc.string({ minLength: 1 }), fc.string({ minLength: 1 }))
  .map(([more, request_id, status]): JsonObject => {
    const { hash: _, requestId: __, requestID: ___, data: ____, ...rest } = more;
    return { ...rest, request_id, status };
  });

/** Parsers throw nothing but our codes. */
function codeOrValue(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    return (error as Failure).code;
  }
}

/** Anything: bytes, JSON, and what looks like a webhook until one looks closer. */
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
  weLinkLike().map((value) => Buffer.from(JSON.stringify(value))),
  linkedApiLike().map((value) => Buffer.from(JSON.stringify(value))),
  // Cut anywhere, it is rarely JSON.
  fc.tuple(linkedApiLike(), fc.nat()).map(([value, at]) => {
    const text = Buffer.from(JSON.stringify(value));
    return text.subarray(0, at % (text.length + 1));
  }),
);

const ourCodes = ["BODY_NOT_UTF8", "BODY_NOT_JSON", "BODY_TOO_DEEP", "FRAME_INVALID"];

test("reading any input ends in a value or in one of our codes", () => {
  const ends = new Map<string, number>();
  fc.assert(
    fc.property(anything, (input) => {
      for (const pack of Object.values(providerPacks)) {
        const end = codeOrValue(() => {
          const webhook = { ...parseJsonObject(input), bytes: input, headers: {} };
          pack.verify(webhook, {
            secrets: ["secret"],
            settings: { hashForms: ["raw", "json", "python", "jwt"], allowUnboundJwt: true },
            nowMs: 0,
          });
          return pack.parseWebhook(webhook);
        });
        if (typeof end === "string") expect(ourCodes).toContain(end);
        const kind = typeof end === "string" ? end : `${pack.id} value`;
        ends.set(kind, (ends.get(kind) ?? 0) + 1);
      }
    }),
    runs(20_000),
  );
  // Otherwise the property would not have been exercised.
  for (const kind of ["we-link value", "linked-api value", "BODY_NOT_JSON", "FRAME_INVALID"]) {
    expect([kind, ends.get(kind) ?? 0]).toEqual([kind, expect.toSatisfy((n) => n > 100)]);
  }
});

test("every recognised webhook becomes an event that conforms to its schema", () => {
  const seen = new Set<string>();
  const like = fc.oneof(
    weLinkLike().map((value) => ({ pack: providerPacks["we-link"], value })),
    linkedApiLike().map((value) => ({ pack: providerPacks["linked-api"], value })),
  );
  fc.assert(
    fc.property(like, ({ pack, value }) => {
      const outcome = codeOrValue(() => pack.parseWebhook(webhookOf(value))) as
        | ProviderEvent
        | string;
      if (typeof outcome === "string") {
        expect(outcome).toBe("FRAME_INVALID");
        return;
      }
      const { id, type, clientId, envelope } = unmatchedEvent(outcome, {
        provider: pack.id,
        clientId: "cl_1",
        connectionId: "cn_1",
        receivedAtMs: 0,
        numbersAsText: false,
      });
      seen.add(type);
      const read = producerSchema(type).safeParse(JSON.parse(envelope));
      expect(read.error).toBeUndefined();
      const detail = eventDetail.parse(JSON.parse(toEventBridgeDetail({ clientId, envelope })));
      expect([detail.id, detail.type, detail.clientId]).toEqual([id, type, "cl_1"]);
    }),
    runs(20_000),
  );
  // Only Ackwire knows whether an outcome comes late.
  const ofWebhooks = deliverableTypes.filter((type) => type !== "workflow.lateResult");
  expect([...seen].sort()).toEqual(ofWebhooks.toSorted());
});

test("removing a member from the bytes leaves the object without it", () => {
  fc.assert(
    fc.property(jsonObject, fc.nat(), fc.boolean(), (value, at, pretty) => {
      const text = JSON.stringify(value, null, pretty ? 2 : 0);
      const members = topLevelMembers(text);
      expect(members.map(({ key }) => key)).toEqual(Object.keys(value));
      const member = members[at % Math.max(1, members.length)];
      if (!member) return;
      const { [member.key]: _, ...rest } = value;
      expect(JSON.parse(withoutMember(text, member))).toEqual(rest);
    }),
    runs(5_000),
  );
});

test("event ids of two connections never collide, and fit into a header", () => {
  const idOf = (pack: ProviderPack<ProviderId>, value: object, connectionId: string): string =>
    unmatchedEvent(pack.parseWebhook(webhookOf(value)), {
      provider: pack.id,
      clientId: "cl",
      connectionId,
      receivedAtMs: 0,
      numbersAsText: false,
    }).id;
  const connection = fc.stringMatching(/^cn_[0-9a-f]{16}$/);
  // Half of the pairs are one body at two connections: what a client would copy.
  const pair = <T>(of: fc.Arbitrary<T>) =>
    fc.oneof(
      of.map((one) => [one, one] as const),
      fc.tuple(of, of),
    );
  const both = fc.oneof(
    pair(body).map((values) => ({ pack: providerPacks["we-link"], values })),
    pair(linkedApiFrame).map((values) => ({ pack: providerPacks["linked-api"], values })),
  );
  fc.assert(
    fc.property(both, connection, connection, ({ pack, values: [one, other] }, mine, theirs) => {
      fc.pre(mine !== theirs);
      const id = idOf(pack, one, mine);
      expect(id).toMatch(/^[\x21-\x7e]{1,512}$/);
      expect(id.split(":")[1]).toBe(mine);
      expect(idOf(pack, other, theirs)).not.toBe(id);
      expect(idOf(pack, { ...one }, mine)).toBe(id);
      if (pack.id === "we-link") expect(idOf(pack, { ...one, hash: "any" }, mine)).toBe(id);
    }),
    runs(10_000),
  );
});

test("two different ids of a provider become two different ids of ours", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc
      .array(fc.constantFrom("\ud800", "\ud801", "\ufffd", "\udfff", "a"), { maxLength: 3 })
      .map((units) => units.join("")),
  );
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(headerSafeId(one) === headerSafeId(other)).toBe(one === other);
      expect(discriminatorOf(one) === discriminatorOf(other)).toBe(one === other);
    }),
    runs(10_000),
  );
});

/** Names that mean something to a parser, and any others. */
function weLinkLike(): fc.Arbitrary<object> {
  const id = fc.oneof(
    fc.string({ minLength: 1, unit: "binary" }),
    fc.constantFrom("r-1", "", "~"),
    leaf,
  );
  const status = fc.constantFrom(
    "SUCCESS",
    "FAILED",
    "COMPLETED",
    "PIN_REQUIRED",
    "PROCESSING",
    "STATUS_429",
    "__proto__",
  );
  const call = fc.constantFrom(
    "connect",
    "login",
    "message_received",
    "connection_accepted",
    "__proto__",
  );
  const event_type = fc.oneof(
    call.map((name) => `/api/v1/${name}`),
    fc.constantFrom("MESSAGE_REPLY", "CONNECTION_SENT"),
    leaf,
  );
  const texts = {
    error: leaf,
    message: leaf,
    error_message: leaf,
    accountId: leaf,
    result: leaf,
    hash: leaf,
  };
  return fc.record(
    {
      status: fc.oneof({ weight: 9, arbitrary: status }, leaf),
      request_id: id,
      requestId: leaf,
      event_type,
      ...texts,
    },
    { requiredKeys: ["status", "request_id"] },
  );
}

function linkedApiLike(): fc.Arbitrary<object> {
  const data = fc.record(
    {
      workflowId: fc.oneof(fc.constantFrom("wf-1", "wf:2"), leaf),
      accountId: fc.oneof(fc.constantFrom("acc-1"), leaf),
      status: fc.oneof(fc.constantFrom("completed", "failed"), leaf),
      result: leaf,
    },
    { requiredKeys: [] },
  );
  return fc.record({
    id: fc.oneof({ weight: 9, arbitrary: fc.constantFrom("e-1", "workflow.completed:wf-1") }, leaf),
    type: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...deliverableTypes) },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          "inbox.messageReceived",
          "inbox.messageSent",
          "network.connectionAccepted",
          "network.connectionAdded",
          "network.connectionRequestReceived",
        ),
      },
      leaf,
    ),
    createdAt: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.constantFrom("2026-06-25T12:00:00Z", "1999-12-31T23:59:59.999+14:00"),
      },
      leaf,
    ),
    data: fc.oneof({ weight: 9, arbitrary: data }, leaf),
  });
}
