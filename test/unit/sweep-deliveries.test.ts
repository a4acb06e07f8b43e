import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { DELIVERY_SHARD_COUNT } from "../../shared/contracts/tables.ts";
import { makePublishDeliveryFailed } from "../../shared/core/deliveries/state/publish-delivery-failed.ts";
import { deliveryRecord } from "../support/payloads/delivery-records.ts";
import { simulationWithWebhook } from "../support/simulations/delivery-simulation.ts";

test("the delivery sweep returns the failure of each shard that it could not read", async () => {
  const down = new Failure("DEPENDENCY_DOWN", "Query: throttled");
  const simulation = await simulationWithWebhook({
    deliveries: (memory) => ({ ...memory, findDue: () => Promise.reject(down) }),
  });
  const failure = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "Query: throttled" };
  expect(await simulation.sweep()).toEqual({
    messagesSent: 0,
    published: 0,
    unpublished: [],
    restartedJobs: 0,
    failed: Array.from({ length: DELIVERY_SHARD_COUNT }, () => failure),
  });
});

test("a delivery.failed without a result of the publisher is unpublished, with a failure", async () => {
  const { ports, context } = await simulationWithWebhook();
  const publish = makePublishDeliveryFailed({
    ...ports,
    context,
    publisher: { publish: async () => [] },
  });
  const delivery = deliveryRecord({
    unpublishedFailures: [{ cycle: 1, attemptCount: 8, reason: "attempts_used", atMs: 1 }],
  });
  expect(await publish([delivery])).toEqual({
    published: 0,
    failures: [
      {
        kind: "failed",
        code: "PUBLISH_FAILED",
        detail: "EventBridge returned no result for this event",
      },
    ],
  });
});

test("one run of the sweep sends the message of every delivery that is due, although the index stays as it was", async () => {
  const simulation = await simulationWithWebhook({ answer: async () => ({ httpStatus: 500 }) });
  const count = 350;
  for (let n = 0; n < count; n++) {
    await simulation.deliveries.create(
      deliveryRecord({
        deliveryId: `dl_${n}`,
        status: "waiting",
        nextMs: simulation.now(),
        dueMs: simulation.now() - 1 - n,
      }),
    );
  }
  simulation.freezeIndexes();
  expect(await simulation.sweep()).toMatchObject({ messagesSent: count, failed: [] });
  expect(new Set(simulation.waiting().map(({ body }) => body)).size).toBe(count);
});

test("while the bus is down, a run publishes no more failures after a few calls, and recovers the deliveries behind them", async () => {
  let refused = 0;
  const simulation = await simulationWithWebhook({
    busRefuses: () => {
      refused++;
      return true;
    },
  });
  const failure = { cycle: 1, attemptCount: 8, reason: "attempts_used", atMs: 1 } as const;
  const sweepAtRealMs = simulation.now() - 10_000;
  for (let n = 0; n < 300; n++) {
    await simulation.deliveries.create(
      deliveryRecord({
        deliveryId: `dl_${n}`,
        status: "failed",
        nextMs: undefined,
        sweepAtRealMs,
        unpublishedFailures: [failure],
      }),
    );
  }
  await simulation.deliveries.create(
    deliveryRecord({
      deliveryId: "dl_crashed",
      status: "delivering",
      owner: "dead",
      leaseUntilRealMs: simulation.now() - 1,
      sweepAtRealMs: simulation.now() - 1,
      nextMs: undefined,
    }),
  );
  expect(await simulation.sweep()).toMatchObject({ messagesSent: 1, published: 0 });
  expect(simulation.waiting().map(({ body }) => body)).toEqual([
    expect.stringContaining("dl_crashed"),
  ]);
  expect(refused).toBeLessThanOrEqual(100);
});

test("After an outage of the queue, the messages that were due are sent a minute later, and not as much later as they were late", async () => {
  let isDown = true;
  const simulation = await simulationWithWebhook({
    queue: (queue) => ({
      send: (...of) =>
        isDown
          ? Promise.reject(new Failure("DEPENDENCY_DOWN", "SQS SendMessageBatch"))
          : queue.send(...of),
    }),
  });
  const dueMs = simulation.now();
  await simulation.deliveries.create(
    deliveryRecord({ deliveryId: "dl_1", status: "waiting", nextMs: dueMs, dueMs }),
  );
  simulation.skip(3 * 3_600_000);
  expect(await simulation.sweep()).toMatchObject({
    ...{ messagesSent: 0, failed: [{ code: "DEPENDENCY_DOWN" }] },
  });
  isDown = false;
  simulation.skip(59_999);
  expect(await simulation.sweep()).toMatchObject({ messagesSent: 0 });
  simulation.skip(1);
  expect(await simulation.sweep()).toMatchObject({ messagesSent: 1, failed: [] });
});
