import type { SQSRecord } from "aws-lambda";
import { parseMessage } from "../../functions/deliver/records.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { parseJsonOrUndefined } from "../../shared/contracts/json-text.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import { readBusMessage } from "../../shared/core/deliveries/creation/read-bus-message.ts";
import { makeLoadWebhook } from "../../shared/core/inbound/load-webhook.ts";
import { topLevelMembers } from "../../shared/core/json/json-members.ts";
import { makeHandleSubmitMessages } from "../../shared/core/requests/submission/handle-submit-messages.ts";
import { sampleMessages } from "../support/forms/sample-messages.ts";
import { bodies, isPlainObject, must, NOW_MS, refusing } from "./checks.ts";
import type { Target } from "./engine.ts";

/**
 * A worker of the submit queue to which every request is unknown.
 *
 * @param onWork is told of the id, the lane or the firing that a message names
 */
function submitWorker(onWork: (named: unknown) => void) {
  const noted =
    <Answer>(answer: Answer) =>
    async (named: unknown) => {
      onWork(named);
      return answer;
    };
  const idle = { kind: "done", submissions: [], changed: [] };
  return makeHandleSubmitMessages({
    requests: {
      async findWithLanes(ids: readonly string[]) {
        for (const id of ids) onWork(id);
        return new Map();
      },
      find: noted(undefined),
    },
    publishOutboxes: async () => ({ published: 0, failures: [], deferred: [] }),
    fireRecurring: noted(undefined),
    settleDependent: noted(undefined),
    workLane: noted(idle),
    sendInput: noted(idle),
    context: () => ({ nowMs: NOW_MS }),
  } as never);
}

/** Parsers of the messages of the queues. */
export const messageTargets: readonly Target[] = [
  {
    name: "A message of the bus is an event whose envelope is JSON, or is refused",
    seeds: bodies.map((detail) =>
      JSON.stringify({
        "detail-type": "workflow.completed",
        detail: { clientId: "cl_1", id: "e", type: "workflow.completed", data: JSON.parse(detail) },
      }),
    ),
    check(input) {
      const event = refusing(() => readBusMessage(input.toString("utf8")));
      if (!event) return;
      must(isPlainObject(JSON.parse(event.envelope)), "its envelope is no object");
      must(
        !topLevelMembers(event.envelope).some(({ key }) => key === "clientId"),
        "names a client",
      );
    },
  },
  {
    name: "A message of the inbound queue is a webhook, or is refused",
    seeds: bodies.map((body) =>
      JSON.stringify({
        ...{ v: 1, provider: "we-link", clientId: "cl_1", connectionId: "cn_1" },
        receivedAtMs: NOW_MS,
        bodyBase64: Buffer.from(body).toString("base64"),
      }),
    ),
    async check(input) {
      const clock = { businessMs: () => NOW_MS, realMs: () => NOW_MS };
      const none = async () => undefined;
      const load = makeLoadWebhook({
        ...{ packs: providerPacks, clock, dedupeRetentionMs: 86_400_000 },
        accounts: { find: none, findUncached: none },
        connections: { read: none, readUncached: none },
        bodies: {
          get: async () => Buffer.from("{}"),
          put: async () => undefined,
        } as never,
        calls: { send: async () => ({ kind: "unknown" }) } as never,
      });
      await load(input.toString("utf8")).catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
      });
    },
  },
  {
    name: "A message of the submit queue names what it is about, or is refused",
    seeds: sampleMessages.submit.map((message) => JSON.stringify(message)),
    async check(input) {
      const named: unknown[] = [];
      const handle = submitWorker((one) => named.push(one));
      const { messages } = await handle([input.toString("utf8")], () => 30_000);
      const [outcome] = messages;
      if (outcome?.kind === "failed") {
        must(outcome.code === "MESSAGE_MALFORMED", `it fails with ${outcome.code}`);
        must(named.length === 0, `it is refused, and names ${JSON.stringify(named)}`);
        return;
      }
      must(messages.length === 1 && outcome?.kind === "done", "it has no outcome");
      for (const one of named) {
        if (isPlainObject(one)) must(Number.isFinite(Date.parse(String(one.firesAt))), "no time");
        else must(typeof one === "string", `it names ${JSON.stringify(one)}`);
      }
    },
  },
  {
    name: "A message of the attempts or retries queue is an attempt or a job, or is refused",
    seeds: sampleMessages.delivery.map((message) => JSON.stringify(message)),
    check(input) {
      const body = input.toString("utf8");
      const parsed = parseMessage({ body } as SQSRecord, "retries");
      const given = parseJsonOrUndefined(body) as Record<string, unknown> | undefined;
      switch (parsed.kind) {
        case "failed":
          must(parsed.code === "MESSAGE_MALFORMED", `it fails with ${parsed.code}`);
          break;
        case "job":
          must(parsed.jobId === given?.jobId, "it is another job");
          break;
        case "attempt": {
          const { deliveryId, unstored, heldMs = 0 } = parsed.message;
          must(deliveryId === given?.deliveryId, "it is another delivery");
          must(Number.isFinite(heldMs), "it is held for no time");
          must(unstored === undefined || typeof unstored.body === "string", "it has no body");
          break;
        }
        default:
          throw new Error(`it is an ${parsed.kind}`);
      }
    },
  },
];
