import type { Clock } from "../../../shared/core/clock.ts";
import type { CorrelationStore } from "../../../shared/core/requests/state/correlation-ports.ts";
import type { IdempotencyStore } from "../../../shared/core/requests/state/idempotency-store.ts";
import type { LaneStore } from "../../../shared/core/requests/state/lane-ports.ts";
import type { ReferenceStore, RequestStore } from "../../../shared/core/requests/state/ports.ts";
import { makeMemoryCorrelations } from "./memory-correlations.ts";
import type { MemoryIndexes, SweepTimes } from "./memory-indexes.ts";
import { makeMemoryLanes } from "./memory-lanes.ts";
import { makeMemoryIdempotency, makeMemoryReferences } from "./memory-references.ts";
import { makeMemoryRequestStore } from "./memory-request-store.ts";

/** All that the requests table holds, in memory: for tests and simulations. */
export function makeMemoryRequests(options: {
  clock: Clock;
  /** How long (business) a provider's id is known after it was last written. */
  retentionMs: number;
}): {
  requests: RequestStore & MemoryIndexes & SweepTimes;
  lanes: LaneStore;
  references: ReferenceStore;
  correlations: CorrelationStore;
  idempotency: IdempotencyStore;
} {
  const { clock } = options;
  const { all, postpone, ...lanes } = makeMemoryLanes({ clock });
  return {
    requests: makeMemoryRequestStore({ clock, lanes: all, postponeLane: postpone }),
    lanes,
    references: makeMemoryReferences(options),
    correlations: makeMemoryCorrelations(options),
    idempotency: makeMemoryIdempotency({ clock }),
  };
}
