import type { ProviderId } from "../../../shared/contracts/providers.ts";
import { makeLaneScheduler } from "../../../shared/core/requests/lanes/lane-scheduler.ts";
import { makeRequests, type RequestsDeps } from "../../../shared/core/requests/requests.ts";
import type { SubmitQueue } from "../../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../../shared/providers/provider-clients.ts";
import { makeMemoryRequests } from "../memory/memory-requests.ts";
import { notingIn } from "../noting.ts";
import { makeRequestParts } from "../payloads/request-parts.ts";
import { newOwner, requestRecord } from "../payloads/request-records.ts";
import { requestRules } from "../payloads/request-rules.ts";
import { makeTestClock } from "./clocks.ts";

/** Makes the parts that a test gives instead of the usual ones. */
type Change = (of: {
  noting: ReturnType<typeof notingIn>;
  memory: ReturnType<typeof makeMemoryRequests>;
}) => object;

/**
 * The operations on the requests of one client, over stores in memory. What they send, schedule,
 * wake and ask of the provider is noted in `calls`, and each error that they ignore in `ignored`.
 */
export function makeClientRequests(
  change: Change = () => ({}),
  provider: ProviderId = "linked-api",
) {
  const clock = makeTestClock();
  const memory = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const owner = newOwner({ provider });
  const { client, connections, masterKeys, texts } = makeRequestParts(owner);
  const calls: unknown[] = [];
  const ignored: unknown[] = [];
  const noting = notingIn(calls);
  const onNonFatalError = (error: unknown) => void ignored.push(error);
  const submitQueue = {
    send: noting("send"),
    sendAll: noting("sendAll"),
  } as unknown as SubmitQueue;
  const context = () => ({
    nowMs: clock.businessMs(),
    nowRealMs: clock.realMs(),
    rules: requestRules,
  });
  let drawn = 0;
  const deps = {
    ...memory,
    ...client,
    ...{ connections, masterKeys, texts, providerClients, submitQueue, context, onNonFatalError },
    accounts: { find: async () => undefined, findUncached: async () => undefined },
    calls: { send: noting("ask") },
    schedules: { create: noting("schedule"), delete: noting("unschedule") },
    laneScheduler: {
      ...makeLaneScheduler({
        ...{ lanes: memory.lanes, submitQueue, nowMs: clock.businessMs, graceMs: 60_000 },
        onNonFatalError,
      }),
      ensureSweep: noting("ensureSweep"),
      wakeFreedLane: noting("wakeFreedLane"),
      wakeUp: noting("wakeUp"),
    },
    writer: makeRequestWriter({ requests: memory.requests, texts }),
    settleDependent: async () => undefined,
    /** Numbers in order: the first is 1. */
    randomHex: (bytes: number) => String(++drawn).padStart(2 * bytes, "0"),
    ...change({ noting, memory }),
  } as unknown as RequestsDeps;
  return {
    ...{ clock, memory, owner, calls, ignored, masterKeys },
    clientId: owner.clientId,
    requests: makeRequests(deps),

    /** Stores a request of the client's account. */
    async store(of: Partial<RequestRecord> = {}): Promise<RequestRecord> {
      const request = requestRecord(owner, of);
      await memory.requests.create(request);
      return request;
    },

    stored: (requestId: string) => memory.requests.find(requestId),
  };
}
