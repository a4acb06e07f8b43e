import { describe, expect, test } from "vitest";
import type { InboundMessage } from "../../shared/contracts/messages/inbound.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import {
  notifyWatchers,
  recordCorrelatedEvent,
} from "../../shared/core/inbound/correlated-events.ts";
import { keysIn, requestKey } from "../../shared/core/providers/correlation.ts";
import type { ProviderPack } from "../../shared/core/providers/provider-pack.ts";

const { signal } = new AbortController();
const correlatedMembers = { person: /^person$/, conversation: /^thread$/ };
const message: InboundMessage = {
  ...{ v: 1, provider: "we-link", clientId: "cl_1", connectionId: "cn_1" },
  receivedAtMs: Date.UTC(2026, 5, 25, 12),
};

const reply = (data: Partial<ProviderEvent["data"]> = {}): ProviderEvent => ({
  ...{ type: "message.reply", providerObjectId: "p-1", discriminator: "d" },
  data: { eventType: "UNKNOWN", ...data },
});

/** What is stored of a reply that names these keys. */
const storedWith = (...keys: string[]) => ({
  ...{ connectionId: "cn_1", type: "message.reply", eventId: "message.reply:cn_1:p-1:d" },
  ...{ keys, receivedMs: message.receivedAtMs },
});

describe("An event that may release or stop dependent requests", () => {
  const pack = { client: { correlatedMembers } } as unknown as ProviderPack;

  async function record(event?: ProviderEvent) {
    const calls: unknown[] = [];
    const recordEvent = async (...of: unknown[]) => void calls.push(of);
    const of = { pack, ...(event ? { event } : {}) };
    await recordCorrelatedEvent({ recordEvent }, of, message, signal);
    return calls;
  }

  test("It is stored with the keys of the request, and without an account where it names none", async () => {
    expect(await record(reply({ providerRequestId: "pr-1" }))).toStrictEqual([
      [storedWith(requestKey("pr-1")), signal],
    ]);
  });

  test("It is stored with the people in it, and with its account", async () => {
    const payload = { person: "anna", other: "ben" };
    const [key = ""] = keysIn(payload, correlatedMembers);
    expect(await record(reply({ payload, accountId: "acc-1" }))).toStrictEqual([
      [{ ...storedWith(key), accountId: "acc-1" }, signal],
    ]);
  });

  test.each<[string, ProviderEvent | undefined]>([
    ["no event", undefined],
    ["an event that names nobody", reply({ payload: { other: "ben" } })],
    [
      "an event of another type",
      { ...reply({ providerRequestId: "pr-1" }), type: "workflow.completed" },
    ],
  ])("Of %s nothing is stored", async (_, event) => {
    expect(await record(event)).toEqual([]);
  });

  test("An accepted invitation is one too", async () => {
    const event = reply({ providerRequestId: "pr-1" });
    expect(await record({ ...event, type: "connection.accepted" })).toMatchObject([
      [{ type: "connection.accepted", eventId: "connection.accepted:cn_1:p-1:d" }, signal],
    ]);
  });
});

describe("The requests that watch for an event", () => {
  async function notify(event: ProviderEvent, watchers: string[] = []) {
    const calls: unknown[] = [];
    const deps = {
      correlations: {
        recordEvent: async (...of: unknown[]) => void calls.push(["recordEvent", ...of]),
        async findWatchers(...of: unknown[]) {
          calls.push(["findWatchers", ...of]);
          return watchers;
        },
      },
      submitQueue: { send: async (...of: unknown[]) => void calls.push(["send", ...of]) },
      providerClients: { "we-link": { correlatedMembers }, "linked-api": {} },
    } as unknown as Parameters<typeof notifyWatchers>[0];
    await notifyWatchers(deps, { event, message, numbersAsText: false });
    return calls;
  }

  test("The event is stored first, and then each of them is told, as a message of its client", async () => {
    const event = reply({ providerRequestId: "pr-1" });
    const stored = storedWith(requestKey("pr-1"));
    const told = (requestId: string) => [
      "send",
      { v: 1, kind: "dependency", requestId },
      { clientId: "cl_1" },
    ];
    expect(await notify(event, ["rq_1", "rq_2"])).toStrictEqual([
      ["recordEvent", stored],
      ["findWatchers", stored],
      told("rq_1"),
      told("rq_2"),
    ]);
  });

  test("The people of an event are those that its own provider names", async () => {
    const payload = { thread: "t-1" };
    expect(await notify(reply({ payload }))).toHaveLength(2);
  });

  test("For any other event nothing is read or written", async () => {
    expect(await notify(reply(), ["rq_1"])).toEqual([]);
  });
});
