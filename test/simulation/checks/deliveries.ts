import { deliverableTypes } from "../../../shared/contracts/events.ts";
import type { DeliveryRecord } from "../../../shared/core/deliveries/state/record.ts";
import { type History, invocationStart, type Post, wasStruckIn } from "../history.ts";
import { keyOf } from "../workload.ts";
import type { Check, Run, Violation } from "./checks.ts";

/** Attempts of one cycle. */
const ATTEMPTS = 8;

const violation = (guarantee: string, text: string): Violation => ({ guarantee, text });

/** G6: each event that a client subscribed to has one delivery, which ends. */
export const deliveriesEnd: Check = ({ history, end }) => {
  const subscribed = new Set(
    history.published
      .filter(({ type }) => (deliverableTypes as readonly string[]).includes(type))
      .map(({ id }) => id),
  );
  const delivered = new Map(end.deliveries.map((one) => [one.eventId, one]));
  const dead = history.deadLetters.map(({ body }) => body).join("\n");
  return [
    ...[...subscribed]
      .filter((id) => !delivered.has(id) && !dead.includes(id) && !wasCancelled(id, end))
      .map((id) => violation("G6", `the event ${id} has no delivery`)),
    ...end.deliveries
      .filter(({ status }) => !["delivered", "failed", "cancelled"].includes(status))
      .map(({ eventId, status }) => violation("G6", `the delivery of ${eventId} is ${status}`)),
  ];
};

/** G2: an event has one delivery, however often the bus sends it. */
export const oneDelivery: Check = ({ end }) => {
  const ids = end.deliveries.map(({ eventId }) => eventId);
  return ids
    .filter((id, at) => ids.indexOf(id) !== at)
    .map((id) => violation("G2", `the event ${id} has several deliveries`));
};

function wasCancelled(
  eventId: string,
  { requests }: { requests: readonly { requestId: string; status: string }[] },
): boolean {
  return requests.some(
    ({ requestId, status }) => status === "CANCELLED" && eventId.includes(requestId),
  );
}

/** G6: what is `delivered` was answered 2xx; at most eight attempts; the same id and bytes. */
export const attempts: Check = ({ history, end }) =>
  end.deliveries.flatMap((delivery) => {
    const posts = history.posts.filter(({ webhookId }) => webhookId === delivery.eventId);
    const { deliveryId, eventId, status } = delivery;
    return [
      ...(status === "delivered" &&
      !posts.some(({ status: answer = 0 }) => answer >= 200 && answer < 300)
        ? [violation("G6", `${eventId} is delivered, and no POST was answered 2xx`)]
        : []),
      ...(new Set(posts.map(({ body }) => body)).size > 1
        ? [violation("G6", `the POSTs of ${deliveryId} differ`)]
        : []),
      ...wrongEnd(delivery, { history, end, posts }),
      ...(posts.length > ATTEMPTS + unrecorded(history, posts)
        ? [violation("G6", `${eventId} was posted ${posts.length} times`)]
        : []),
      ...repeated(history, posts),
    ];
  });

/** POSTs whose worker was struck, so that their outcome may not be recorded. */
const unrecorded = (history: History, posts: readonly Post[]) =>
  posts.filter((post) => wasPostStruck(history, post, Number.POSITIVE_INFINITY)).length;

/** Whether the worker of a POST was struck in the invocation that made it, until then. */
const wasPostStruck = (history: History, { by, fromMs }: Post, untilMs: number) =>
  wasStruckIn(history, { by, atMs: fromMs, untilMs });

/** G6: a delivery fails after its last attempt or an answer 410, and is cancelled with its request. */
function wrongEnd(
  { status, reason, attemptsInCycle, eventId }: DeliveryRecord,
  { history, end, posts }: Pick<Run, "history" | "end"> & { posts: readonly Post[] },
): Violation[] {
  const isGone = history.posts.some((post) => post.status === 410);
  const isRight =
    status === "failed"
      ? (reason === "attempts_used" && attemptsInCycle === ATTEMPTS) ||
        (reason === "gone" && posts.some((post) => post.status === 410)) ||
        (reason === "disabled" && isGone)
      : status !== "cancelled" || wasCancelled(eventId, end);
  const text = `${eventId} is ${status} ${reason} after ${attemptsInCycle} attempts`;
  return isRight ? [] : [violation("G6", text)];
}

/** Whether the worker of a POST was frozen between its claim and the POST. */
function wasFrozenBefore(history: History, { by, fromMs }: Post): boolean {
  const startMs = invocationStart(history, by, fromMs);
  return history.struck.some(
    ({ kind, instance, atMs }) =>
      kind === "freeze" && instance === by && atMs >= startMs && atMs <= fromMs,
  );
}

/**
 * G2: a POST after a 2xx has a reason: a fault of the worker that got the 2xx, or its own worker
 * was frozen before it.
 */
function repeated(history: History, posts: readonly Post[]): Violation[] {
  const done = posts.find(({ status, untilMs, fromMs }) => status === 200 && untilMs > fromMs);
  if (!done) return [];
  return posts
    .filter(({ fromMs }) => fromMs > done.untilMs && !wasPostStruck(history, done, fromMs))
    .filter((post) => !wasFrozenBefore(history, post))
    .map(({ webhookId }) => violation("G2", `${webhookId} was posted again after its 2xx`));
}

/** G2: two workers do not make one attempt: POSTs of a delivery do not overlap without a fault. */
export const oneAttemptAtATime: Check = ({ history, end }) =>
  end.deliveries.flatMap(({ eventId }) => {
    const posts = history.posts.filter(({ webhookId }) => webhookId === eventId);
    return posts
      .filter((post, n) => {
        const before = posts[n - 1];
        const isOverlap = before && post.fromMs < before.untilMs;
        return (
          isOverlap &&
          !wasPostStruck(history, before, post.fromMs) &&
          !wasFrozenBefore(history, post)
        );
      })
      .map(() => violation("G2", `two POSTs of ${eventId} were under way at once`));
  });

/** G6: a delivery that failed is told on the bus and counted, once. */
export const failuresAreTold: Check = ({ history, end }) =>
  end.deliveries
    .filter(({ status }) => status === "failed")
    .flatMap(({ deliveryId }) => {
      const told = history.published.filter(
        ({ type, detail }) => type === "delivery.failed" && detail.includes(deliveryId),
      );
      return told.length > 0 && (end.counts.get("DeliveryFailed") ?? 0) > 0
        ? []
        : [violation("G6", `the failure of ${deliveryId} is not told`)];
    });

/** G9: no event of a cancelled request is posted by an attempt that began after the cancel. */
export const cancelledDeliveries: Check = ({ workload, history }) =>
  workload.requests.flatMap(({ n }) => {
    const cancel = history.calls.find(
      ({ key, what, status }) => key === keyOf({ n }) && what === "cancel" && status === 200,
    );
    if (!cancel) return [];
    const { requestId } = JSON.parse(cancel.body) as { requestId: string };
    return history.posts
      .filter(({ webhookId }) => webhookId.includes(requestId))
      .filter(({ fromMs, by }) => invocationStart(history, by, fromMs) > cancel.untilMs)
      .map(({ webhookId }) => violation("G9", `${webhookId} was posted after the cancel`));
  });
