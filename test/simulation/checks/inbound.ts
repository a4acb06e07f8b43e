import { type History, invocationStart, wasStruckIn } from "../history.ts";
import type { Published } from "../services/eventbridge.ts";
import { settings } from "../stack.ts";
import type { Check, Violation } from "./checks.ts";

const forgedIds = ({ foreign }: { foreign: readonly { id: string; isForged: boolean }[] }) =>
  new Set(foreign.filter(({ isForged }) => isForged).map(({ id }) => id));

/** G1, G2: what was answered 200 is on the bus, or belongs to a request, or is a dead letter. */
export const ackedWebhooks: Check = ({ history, end }) => {
  const onBus = history.published.map(({ detail }) => detail).join("\n");
  const dead = history.deadLetters.map(({ body }) => readDead(body)).join("\n");
  const joined = new Set(end.requests.map(({ providerRequestId }) => providerRequestId));
  const acked = history.webhooks.filter(({ status }) => status === 200);
  const ids = [...new Set(acked.map(({ providerRequestId }) => providerRequestId))];
  return ids
    .filter((id) => !joined.has(id) && !onBus.includes(`"${id}"`) && !dead.includes(`"${id}"`))
    .map((id) => ({ guarantee: "G1", text: `the webhook ${id} was answered 200 and is lost` }));
};

/** G1: an acked report that a workflow has begun is on the bus, unless its request ended before. */
export const ackedStarts: Check = ({ history, end }) => {
  const onBus = history.published
    .map(({ id }) => id)
    .filter((id) => /^workflow\.started:/.test(id));
  return history.webhooks
    .filter(({ isEnd, status, id }) => !isEnd && status === 200 && id.endsWith("/started"))
    .filter(({ providerRequestId, atMs }) =>
      end.requests.some(
        (request) =>
          request.providerRequestId === providerRequestId &&
          (request.finishedMs ?? 0) > atMs + STARTED_MS &&
          // By its own id, where its request did not know that of the provider yet.
          !onBus.some(
            (id) => id.endsWith(request.requestId) || id.endsWith(`:${providerRequestId}`),
          ),
      ),
    )
    .map(({ id }) => ({ guarantee: "G1", text: `the webhook ${id} was answered 200 and is lost` }));
};

/** A workflow that ends within this time after it began may be known to have ended first. */
const STARTED_MS = 60_000;

/** The bytes of a webhook in a dead letter of the inbound queue. */
function readDead(body: string): string {
  const base64 = /"bodyBase64":"([^"]*)"/.exec(body)?.[1];
  return base64 === undefined ? body : Buffer.from(base64, "base64").toString();
}

/** G1: a webhook is answered 200 in the end, unless its signature is wrong. */
export const webhookAnswers: Check = ({ history, workload }) => {
  const forged = forgedIds(workload);
  const taken = new Set(
    history.webhooks.filter(({ status }) => status === 200).map(({ id }) => id),
  );
  const never = new Set(
    history.webhooks.filter(({ id }) => !forged.has(id) && !taken.has(id)).map(({ id }) => id),
  );
  return [
    ...history.webhooks
      .filter(({ id, status }) => (forged.has(id) ? status === 200 : status >= 400 && status < 500))
      .map(({ id, status }) => ({
        guarantee: forged.has(id) ? "G10" : "G1",
        text: `the webhook ${id} was answered ${status}`,
      })),
    ...[...never].map((id) => ({ guarantee: "G1", text: `the webhook ${id} was never taken` })),
  ];
};

/** G10: nothing of a forged webhook reaches the bus. */
export const forgedWebhooks: Check = ({ history, workload }) => {
  const forged = [...forgedIds(workload)];
  return history.published
    .filter(({ detail }) => forged.some((id) => detail.includes(`"${id}"`)))
    .map(({ id }) => ({ guarantee: "G10", text: `the forged event ${id} was published` }));
};

/** G2: each publish of an event has the same bytes, and a second one has a fault as its reason. */
export const publishes: Check = ({ history }) => {
  const first = new Map<string, Published>();
  const violations: Violation[] = [];
  for (const event of history.published) {
    const { id, detail, by } = event;
    const before = first.get(id);
    first.set(id, event);
    if (!before) continue;
    if (before.detail !== detail) {
      violations.push({ guarantee: "G2", text: `${id} was published with other bytes` });
    }
    if (!isJustified(history, before, event)) {
      const text = `${by} published ${id} again without a fault of ${before.by}`;
      violations.push({ guarantee: "G2", text });
    }
  }
  return violations;
};

/** For how long the message of an acceptance publishes without another write: see decision 008. */
const ACCEPTED_MS = (settings.outboxGraceSeconds * 1_000) / 2;

/**
 * Whether a fault explains a second publish: the first publisher was struck before it had recorded
 * its publish, or the second one was frozen between its claim and its publish. Or SQS has delivered
 * the message of an acceptance twice, and both deliveries were processed at the same time.
 */
function isJustified(history: History, before: Published, event: Published): boolean {
  if (wasStruckIn(history, { ...before, untilMs: event.atMs })) return true;
  const startMs = invocationStart(history, event.by, event.atMs);
  return history.struck.some(({ id, kind, instance, atMs }) => {
    if (atMs > event.atMs) return false;
    if (kind === "freeze") return instance === event.by && atMs >= startMs;
    const isTwice = kind === "duplicate" && id.startsWith("submit.");
    return isTwice && isOfAcceptance(history, event) && event.atMs - before.atMs < ACCEPTED_MS;
  });
}

/**
 * Whether the worker that published an event had just published that its request was accepted: a
 * request can end at its acceptance, because of the one that it depends on.
 */
function isOfAcceptance({ published }: History, { id, by, atMs }: Published): boolean {
  const created = `workflow.created:${id.split(":")[1]}`;
  return published.some(
    (one) =>
      one.id === created && one.by === by && one.atMs <= atMs && atMs - one.atMs < ACCEPTED_MS,
  );
}

/** G2: an event has one identity: one webhook makes one event, however often it is sent. */
export const oneIdentity: Check = ({ history, workload }) =>
  [...workload.foreign, ...(workload.personEvents ?? [])].flatMap(({ id }) => {
    const ids = new Set(
      history.published
        .filter(({ type, detail }) => type !== "delivery.failed" && detail.includes(`"${id}"`))
        .map((event) => event.id),
    );
    return ids.size > 1 ? [{ guarantee: "G2", text: `${id} made the events ${[...ids]}` }] : [];
  });

/** G11: a message that cannot be read becomes a dead letter, and no other one does. */
export const deadLetters: Check = ({ history, workload }) => {
  const isPoison = ({ body }: { body: string }) => body === "{poison";
  const isLost = workload.poisonMs !== undefined && !history.deadLetters.some(isPoison);
  return [
    ...(isLost ? [{ guarantee: "G11", text: "a message that cannot be read is gone" }] : []),
    ...history.deadLetters
      .filter((one) => !isPoison(one))
      .map(({ queue, body }) => ({
        guarantee: "G11",
        text: `a dead letter of ${queue}: ${body.slice(0, 200)}`,
      })),
  ];
};

/** G12: when faults have stopped, everything ends. */
export const settles: Check = ({ end }) =>
  end.isSettled
    ? []
    : [
        {
          guarantee: "G12",
          text: `not everything has ended: ${[...end.requests, ...end.deliveries].map(({ status }) => status)}`,
        },
      ];
