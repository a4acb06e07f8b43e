import * as original from "../../shared/composition/request-ports.ts";
import type { RequestStore } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";

/**
 * The ports of requests where a stream publishes: an item carries only the events of its last
 * write. Takes the place of `shared/composition/request-ports.ts` in the functions of the trial.
 */
export const makeRequestPorts: typeof original.makeRequestPorts = (...args) => {
  const ports = original.makeRequestPorts(...args);
  return { ...ports, requests: carryingLastEvents(ports.requests) };
};

function carryingLastEvents(store: RequestStore): RequestStore {
  /** Versions that this process stored with events, and whose events it need not take out. */
  const written = new Set<string>();
  const versionOf = ({ requestId, version }: RequestRecord) => `${requestId}@${version}`;

  function remember(request: RequestRecord): RequestRecord {
    if (request.outbox.length > 0) written.add(versionOf(request));
    return request;
  }

  return {
    ...store,

    async find(requestId) {
      const request = await store.find(requestId);
      return request && withoutEvents(request);
    },

    async findWithLanes(requestIds) {
      const found = await store.findWithLanes(requestIds);
      return new Map(
        [...found].map(([id, { request, lane }]) => [
          id,
          { request: withoutEvents(request), lane },
        ]),
      );
    },

    async create(request) {
      // It stays in the index `sweep`, which also recovers a lost message of the acceptance (G1).
      const known = await store.create(request);
      return known === "created" ? known : withoutEvents(known);
    },

    async replace(request) {
      // What the write takes out is on its way already: it is not made.
      if (written.delete(versionOf(request)) && request.outbox.length === 0) return request;
      const outbox = request.outbox.filter(({ version }) => version === request.version + 1);
      const stored = await store.replace({
        ...request,
        outbox,
        sweepAtRealMs: recoverAfter(request),
      });
      return stored && remember(stored);
    },
  };
}

const withoutEvents = (request: RequestRecord): RequestRecord => ({ ...request, outbox: [] });

/** Only a submission whose worker may be dead. No events wait. */
function recoverAfter({ status, sweepAtRealMs }: RequestRecord): number | undefined {
  return status === "SUBMITTING" ? sweepAtRealMs : undefined;
}
