import { randomBytes } from "node:crypto";
import type { AcceptRequestDeps } from "../../../shared/core/requests/acceptance/accept-request.ts";
import { makeAcceptRequest } from "../../../shared/core/requests/acceptance/accept-request.ts";
import { makeLaneScheduler } from "../../../shared/core/requests/lanes/lane-scheduler.ts";
import { makeRequestWriter } from "../../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../../shared/providers/provider-clients.ts";
import { makeMemoryRequests } from "../memory/memory-requests.ts";
import { makeRequestParts } from "../payloads/request-parts.ts";
import { requestRules } from "../payloads/request-rules.ts";
import { makeTestClock } from "./clocks.ts";
import { makeSubmitQueue } from "./submit-queue.ts";

/** The acceptance of requests over stores in memory, where one request of an account may wait. */
export function makeAcceptor(
  change: (deps: AcceptRequestDeps) => Partial<AcceptRequestDeps> = () => ({}),
) {
  const clock = makeTestClock();
  const memory = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const parts = makeRequestParts({ clientId: "cl_1", connectionId: "cn_1", provider: "we-link" });
  const { requests, lanes, idempotency, correlations } = memory;
  const ignored: unknown[] = [];
  const deps: AcceptRequestDeps = {
    ...{ requests, lanes, idempotency, correlations, providerClients },
    context: () => ({
      nowMs: clock.businessMs(),
      nowRealMs: clock.realMs(),
      rules: { ...requestRules, accountWaitingLimit: 1 },
    }),
    settleDependent: async () => undefined,
    explainWaits: async () => new Map(),
    writer: makeRequestWriter({ requests, texts: parts.texts }),
    laneScheduler: makeLaneScheduler({
      ...{ lanes, nowMs: clock.businessMs, graceMs: 60_000, onNonFatalError: () => undefined },
      submitQueue: makeSubmitQueue(),
    }),
    submitQueue: makeSubmitQueue(),
    schedules: { create: async () => undefined, delete: async () => undefined },
    rates: { tryConsume: async () => true },
    connections: parts.connections,
    accountDirectory: { ...parts.client.accountDirectory, connectionIdOf: async () => "cn_1" },
    masterKeys: parts.masterKeys,
    randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    onNonFatalError: (error) => ignored.push(error),
  };
  return { accept: makeAcceptRequest({ ...deps, ...change(deps) }), clock, lanes, ignored };
}
