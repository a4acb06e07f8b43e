import { describe, expect, test } from "vitest";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import {
  Crash,
  type DeliverySimulation,
  HOUR_MS,
  simulatedDeliveryId as id,
  MINUTE_MS,
  simulationWithWebhook,
} from "../support/simulations/delivery-simulation.ts";

/**
 * Rows D16 to D20 of the fault matrix: the message of an attempt stays in its queue until the
 * attempt is recorded. No index names a delivery while its first attempt is under way.
 */

const SECOND_MS = 1_000;
const isFast = { isFast: true } as const;

function times(n: number): () => boolean {
  let left = n;
  return () => left-- > 0;
}

/** Publishes an event to a fast endpoint, and returns the message of its delivery's first attempt. */
async function firstMessage(simulation: DeliverySimulation): Promise<AttemptMessage> {
  simulation.publish();
  const [event] = simulation.waiting();
  simulation.lose();
  const options = { queue: "fanout", remainingMs: () => 40_000 } as const;
  await simulation.handle([{ kind: "event", body: event?.body ?? "" }], options);
  return JSON.parse(simulation.waiting()[0]?.body ?? "") as AttemptMessage;
}

const options = { queue: "attempts", remainingMs: () => 40_000 } as const;

test("D16: the first attempt of a worker that stops is in no index, and is made again within 90 s", async () => {
  const stopsOnce = times(1);
  const simulation = await simulationWithWebhook(
    {
      answer: () => {
        if (stopsOnce()) throw new Crash();
        return { httpStatus: 200 };
      },
    },
    isFast,
  );
  simulation.publish();
  await simulation.drain();
  expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivering" });
  const { dueMs, sweepAtRealMs } = (await simulation.deliveries.find(id)) ?? {};
  expect([dueMs, sweepAtRealMs]).toEqual([undefined, undefined]);
  await simulation.pass(90 * SECOND_MS);
  expect(simulation.posts).toHaveLength(2);
  expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivered" });
});

describe("D17: a message that is received while another worker has its delivery", () => {
  test("D17: it stays in the queue, and makes the attempt after the lease if that worker has stopped", async () => {
    const stopsOnce = times(1);
    const answer = () => {
      if (stopsOnce()) throw new Crash();
      return { httpStatus: 200 };
    };
    const simulation = await simulationWithWebhook({ answer }, isFast);
    const message = await firstMessage(simulation);
    await simulation.drain();
    // The worker has no other message: only this copy is left.
    simulation.lose();
    const receive = () => simulation.handle([{ kind: "attempt", message }], options);
    await simulation.pass(74 * SECOND_MS);
    expect(await receive()).toEqual([{ kind: "claimedByAnother" }]);
    expect(simulation.waiting()).toEqual([]);
    await simulation.pass(1 * SECOND_MS);
    expect(await receive()).toMatchObject([{ kind: "attempted", isSuccess: true }]);
    expect(simulation.posts).toHaveLength(2);
    expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivered" });
  });

  test("D17: the message comes back after the lease and is dropped if that worker has made the attempt", async () => {
    const simulation = await simulationWithWebhook(
      { deliversAgainAfterMs: () => (repeats() ? 0 : undefined) },
      isFast,
    );
    const repeats = times(2);
    simulation.publish();
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toHaveLength(1);
    expect(simulation.waiting()).toEqual([]);
  });
});

test("D18: a message that is visible again before the lease ends makes the attempt when it is visible the next time", async () => {
  const stopsOnce = times(1);
  const isLateOnce = times(1);
  const simulation: DeliverySimulation = await simulationWithWebhook(
    {
      answer: () => {
        if (stopsOnce()) throw new Crash();
        return { httpStatus: 200 };
      },
      deliveries: (store): DeliveryStore => ({
        ...store,
        // A batch of slow endpoints: this delivery is claimed 20 s after its message was received.
        create: async (delivery) => {
          if (!isLateOnce()) return store.create(delivery);
          simulation.skip(20 * SECOND_MS);
          const leaseUntilRealMs = simulation.now() + 75 * SECOND_MS;
          return store.create({ ...delivery, leaseUntilRealMs });
        },
      }),
    },
    isFast,
  );
  simulation.publish();
  await simulation.drain();
  // Received at 0 s, claimed until 95 s, received again at 90 s and at 180 s.
  await simulation.pass(159 * SECOND_MS);
  expect(simulation.posts).toHaveLength(1);
  await simulation.pass(1 * SECOND_MS);
  expect(simulation.posts).toHaveLength(2);
  expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivered" });
});

test("D19: a worker that was frozen for almost its lease makes no POST, and its message is processed again", async () => {
  const freezesOnce = times(1);
  const simulation: DeliverySimulation = await simulationWithWebhook(
    {
      deliveries: (store): DeliveryStore => ({
        ...store,
        create: async (delivery) => {
          const created = await store.create(delivery);
          if (freezesOnce()) simulation.skip(60 * SECOND_MS);
          return created;
        },
      }),
    },
    isFast,
  );
  simulation.publish();
  await simulation.pass(MINUTE_MS);
  expect(simulation.posts).toHaveLength(1);
  expect(await simulation.deliveries.find(id)).toMatchObject({
    status: "delivered",
    attemptsInCycle: 1,
  });
});

test("D20: an attempt that cannot be recorded because other writers always come first is made again after the lease", async () => {
  const loses = times(5);
  const simulation = await simulationWithWebhook(
    {
      deliveries: (store): DeliveryStore => ({
        ...store,
        replace: async (delivery) =>
          delivery.attemptHistory.length > 0 && loses() ? undefined : store.replace(delivery),
      }),
    },
    isFast,
  );
  simulation.publish();
  await simulation.drain();
  expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivering" });
  await simulation.pass(90 * SECOND_MS);
  expect(await simulation.deliveries.find(id)).toMatchObject({ status: "delivered" });
});
