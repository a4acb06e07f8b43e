import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { makeAcceptBatch } from "../../shared/core/requests/acceptance/accept-batch.ts";
import type { NewRequest } from "../../shared/core/requests/acceptance/idempotency.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import type { IdempotencyStore } from "../../shared/core/requests/state/idempotency-store.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const account = { clientId: "cl_1", provider: "we-link", accountId: "a" } as const;

/** The acceptance of batches with the key `key`, whose random ids are numbers in order. */
function setUp() {
  const clock = makeTestClock();
  const memory = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const { requests, lanes } = memory;
  const submitQueue = makeSubmitQueue();
  const parts = makeRequestParts({ ...account, connectionId: "cn_1" });
  const world = { connectionId: "cn_1", crashes: false };
  let drawn = 0;
  const idempotency: IdempotencyStore = {
    ...memory.idempotency,
    async reserve(of) {
      const entry = await memory.idempotency.reserve(of);
      if (world.crashes) throw new Error("crash");
      return entry;
    },
  };
  const fail = (error: unknown) => {
    throw error;
  };
  const acceptBatch = makeAcceptBatch({
    ...{ requests, lanes, submitQueue, providerClients, idempotency },
    correlations: memory.correlations,
    context: () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), rules }),
    settleDependent: async () => undefined,
    connections: parts.connections,
    explainWaits: async () => new Map(),
    writer: makeRequestWriter({ requests, texts: parts.texts }),
    laneScheduler: makeLaneScheduler({
      ...{ lanes, submitQueue, nowMs: clock.businessMs, graceMs: 60_000, onNonFatalError: fail },
    }),
    schedules: { create: async () => undefined, delete: async () => undefined },
    rates: parts.client.rates,
    accountDirectory: {
      ...parts.client.accountDirectory,
      connectionIdOf: async () => world.connectionId,
    },
    masterKeys: parts.masterKeys,
    randomHex: (bytes: number) => String(++drawn).padStart(2 * bytes, "0"),
    onNonFatalError: fail,
  });
  const accept = (items: readonly NewRequest[]) =>
    acceptBatch({ clientId: "cl_1", idempotencyKey: "key", items, body: items });
  return { clock, world, accept };
}

const item = (of: Partial<NewRequest> = {}): NewRequest => ({
  ...{ ...account, action: "connect", params: { profile_id: "p" } },
  ...of,
});
const laneOn = (connectionId: string) => laneId({ ...account, connectionId });

test("Only the ids of items without a key of their own follow from the key of their batch", async () => {
  const { accept } = setUp();
  const [plain, keyed] = await accept([item(), item({ idempotencyKey: "its own" })]);
  const lane = laneOn("cn_1");
  expect(keyed).toMatchObject({
    requestId: expect.stringMatching(new RegExp(`^rq_${lane}0{16}\\d{4}$`)),
  });
  expect(plain).toMatchObject({
    requestId: expect.stringMatching(new RegExp(`^rq_${lane}(?!0{16})[0-9a-f]{20}$`)),
  });
});

test("While a call may still store its requests, a repeated batch stores none on another connection", async () => {
  const { accept, clock, world } = setUp();
  world.crashes = true;
  await expect(accept([item()])).rejects.toThrow("crash");
  Object.assign(world, { crashes: false, connectionId: "cn_2" });
  clock.passReal(59_999);
  const [refused] = await accept([item()]);
  expect(refused).toBeInstanceOf(Failure);
  expect(refused).toMatchObject({
    code: "IDEMPOTENCY_CONFLICT",
    message: "an earlier call with this Idempotency-Key has not ended",
  });
  clock.passReal(1);
  const [stored] = await accept([item()]);
  expect(stored).toMatchObject({ status: "QUEUED", connectionId: "cn_2", lane: laneOn("cn_2") });
});

test("While a call may still store its requests, a repeated batch stores them on the same connection", async () => {
  const { accept, world } = setUp();
  world.crashes = true;
  await expect(accept([item()])).rejects.toThrow("crash");
  world.crashes = false;
  const [stored] = await accept([item()]);
  expect(stored).toMatchObject({ status: "QUEUED", connectionId: "cn_1", lane: laneOn("cn_1") });
  expect(await accept([item()])).toEqual([stored]);
});
