import fc from "fast-check";
import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { DeliveryQueue, DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import { hasEnded } from "../../shared/core/deliveries/state/record.ts";
import { runs } from "../support/runs/runs.ts";
import {
  Crash,
  DELAYS_MS,
  type DeliverySimulation,
  HOUR_MS,
  MINUTE_MS,
  makeDeliverySimulation,
  webhookOfClient,
} from "../support/simulations/delivery-simulation.ts";

/** The fault of one call. Most calls have none, so that most runs progress. */
const fault = fc.oneof(
  { weight: 12, arbitrary: fc.constant("fine" as const) },
  { weight: 1, arbitrary: fc.constant("down" as const) },
  { weight: 1, arbitrary: fc.constant("answerLost" as const) },
  { weight: 1, arbitrary: fc.constant("crashBefore" as const) },
  { weight: 1, arbitrary: fc.constant("crashAfter" as const) },
);
const answer = fc.oneof(
  fc.constantFrom(200, 204).map((httpStatus) => ({ httpStatus })),
  fc.constantFrom(301, 404, 429, 500, 503).map((httpStatus) => ({ httpStatus })),
  fc.constant({ error: "TIMEOUT", tookMs: 15_000 }),
);

/** Faults stop some time; what is under way must settle then (G12). */
const FAULTY_MS = 30 * HOUR_MS;
const SETTLED_MS = 40 * HOUR_MS;

/**
 * So often a worker crashes in a run. A worker that crashes after it has sent what waits for a busy
 * endpoint again leaves each message twice: one that did so for hours would fill the queue.
 */
const MAX_CRASHES = 150;

/** A queue may deliver a message again although it is being processed, or was. */
const again = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
);

/** Each is drawn once and then used again and again. */
function cycle<Value>(values: readonly Value[]): () => Value {
  let at = 0;
  return () => values[at++ % values.length] as Value;
}

test("each delivery ends once, within its attempts, on schedule and with the same bytes, whatever fails (G6)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { minLength: 5, maxLength: 60 }),
      fc.array(answer, { minLength: 1, maxLength: 20 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      fc.array(again, { minLength: 1, maxLength: 20 }),
      async (faults, answers, draws, wasPrompt, repeats) => {
        const nextFault = cycle(faults);
        const nextRepeat = cycle(repeats);
        const startMs = Date.UTC(2026, 0, 1);
        let now = () => startMs;
        let crashes = 0;
        const strike = async <Result>(call: () => Promise<Result>): Promise<Result> => {
          const drawn = now() - startMs < FAULTY_MS ? nextFault() : "fine";
          const isCrash = drawn === "crashBefore" || drawn === "crashAfter";
          const what = isCrash && ++crashes > MAX_CRASHES ? "fine" : drawn;
          if (what === "crashBefore") throw new Crash();
          if (what === "down") throw new Failure("DEPENDENCY_DOWN", "down");
          const result = await call();
          if (what === "crashAfter") throw new Crash();
          if (what === "answerLost") throw new Failure("DEPENDENCY_DOWN", "the answer was lost");
          return result;
        };
        const simulation = makeDeliverySimulation({
          answer: cycle(answers),
          random: cycle(draws),
          deliversAgainAfterMs: () => (now() - startMs < FAULTY_MS ? nextRepeat() : undefined),
          deliveries: (store): DeliveryStore => ({
            ...store,
            create: (delivery) => strike(() => store.create(delivery)),
            claim: (id, lease) => strike(() => store.claim(id, lease)),
            replace: (delivery) => strike(() => store.replace(delivery)),
          }),
          queue: (queue): DeliveryQueue => ({
            send: (name, messages) => strike(() => queue.send(name, messages)),
          }),
        });
        now = simulation.now;
        await simulation.webhooks.replace(webhookOfClient());
        if (wasPrompt) {
          const of = { clientId: "cl_1", webhookId: "wh_cl_1", endpointNumber: 1 };
          await simulation.health.replace({
            ...of,
            isFast: true,
            fastSuccessesNeeded: 0,
            consecutiveFailures: 0,
            slots: {},
            version: 0,
          });
        }
        const events = [0, 1, 2].map((n) => simulation.publish({ requestId: `rq_${n}` }));
        for (let passedMs = 0; passedMs < FAULTY_MS; passedMs += HOUR_MS) {
          await simulation.pass(HOUR_MS);
          expect(await unnamed(simulation)).toEqual([]);
        }
        simulation.redrive();
        await simulation.pass(SETTLED_MS);

        // A doubled hint ends with what it names: they would else become more and more.
        expect(simulation.waiting()).toEqual([]);
        const { deliveries } = await simulation.deliveries.list({ clientId: "cl_1", limit: 10 });
        expect(deliveries).toHaveLength(events.length);
        for (const delivery of deliveries) {
          expect(["delivered", "failed"]).toContain(delivery.status);
          expect(delivery.attemptsInCycle).toBeLessThanOrEqual(8);
          expect(delivery.unpublishedFailures).toEqual([]);
          const own = simulation.posts.filter(
            ({ headers }) => headers["webhook-id"] === delivery.eventId,
          );
          const event = events.find(({ id }) => id === delivery.eventId);
          for (const { body } of own) expect(body).toBe(event?.envelope);
          // A delivery without a POST is possible only if a crash ended each of its attempts.
          if (own.length === 0) {
            expect(delivery.status).toBe("failed");
            const errors = new Set(delivery.attemptHistory.map(({ error }) => error));
            expect([...errors]).toEqual(["WORKER_LOST"]);
          }
          // What is more than the attempts was a fault's.
          const posts = delivery.attemptHistory.filter(
            ({ error }) => error !== "WORKER_LOST",
          ).length;
          expect(own.length).toBeGreaterThanOrEqual(posts);
          expect(own.length).toBeLessThanOrEqual(3 * delivery.attemptHistory.length);
          if (faults.every((one) => one === "fine")) expect(own.length).toBe(posts);
          const failures = simulation.published.filter(
            ({ id }) => id === `delivery.failed:${delivery.deliveryId}:1`,
          );
          expect(failures.length > 0).toBe(delivery.status === "failed");
          for (const [index, { atMs }] of delivery.attemptHistory.entries()) {
            const before = delivery.attemptHistory[index - 1];
            const delayMs = DELAYS_MS[index - 1];
            if (before && delayMs) expect(atMs - before.atMs).toBeGreaterThanOrEqual(delayMs * 0.8);
          }
        }
      },
    ),
    runs(250),
  );
});

/** Returns the deliveries that have not ended and that neither a message nor an index of the sweep names. */
async function unnamed({
  deliveries: store,
  waiting,
  parked,
}: DeliverySimulation): Promise<string[]> {
  const { deliveries } = await store.list({ clientId: "cl_1", limit: 10 });
  const messages = [...waiting(), ...parked()].map(({ body }) => body);
  return deliveries
    .filter((one) => !hasEnded(one) && one.dueMs === undefined)
    .filter(({ sweepAtRealMs }) => sweepAtRealMs === undefined)
    .filter(({ deliveryId }) => !messages.some((body) => body.includes(deliveryId)))
    .map(({ deliveryId }) => deliveryId);
}

test("without faults every attempt is on time, whatever the jitter", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }),
      async (draws) => {
        const simulation = makeDeliverySimulation({
          answer: () => ({ httpStatus: 500 }),
          random: cycle(draws),
        });
        await simulation.webhooks.replace(webhookOfClient());
        simulation.publish();
        await simulation.pass(40 * HOUR_MS);
        expect(simulation.posts).toHaveLength(8);
        for (const [index, delayMs] of DELAYS_MS.entries()) {
          const gap =
            (simulation.posts[index + 1]?.atMs ?? 0) - (simulation.posts[index]?.atMs ?? 0);
          expect(gap).toBeGreaterThanOrEqual(delayMs * 0.8 - 1);
          expect(gap).toBeLessThanOrEqual(delayMs * 1.2 + MINUTE_MS);
        }
      },
    ),
    runs(150),
  );
});
