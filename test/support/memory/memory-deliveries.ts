import type { WebhookItem } from "../../../shared/contracts/config-items.ts";
import { Failure } from "../../../shared/contracts/failures.ts";
import type { Clock } from "../../../shared/core/clock.ts";
import type {
  DeliveryInputsReader,
  DeliveryStore,
  HealthStore,
  JobStore,
  WebhookStore,
} from "../../../shared/core/deliveries/state/ports.ts";
import type { DeliveryJob, EndpointHealth } from "../../../shared/core/deliveries/state/record.ts";
import { makeMemoryDeliveryStore } from "./memory-delivery-store.ts";
import type { MemoryIndexes } from "./memory-indexes.ts";

/** All that is stored of deliveries and webhooks, in memory: for tests and simulations. */
export function makeMemoryDeliveries(options: {
  clock: Clock;
  /** Ids of requests that are cancelled; a cancel adds to it. */
  cancelledRequests?: ReadonlySet<string>;
}): {
  deliveries: DeliveryStore & MemoryIndexes;
  jobs: JobStore;
  health: HealthStore;
  webhooks: WebhookStore;
  inputs: DeliveryInputsReader;
} {
  const { clock, cancelledRequests = new Set() } = options;
  const jobs = new Map<string, DeliveryJob>();
  const health = new Map<string, EndpointHealth>();
  const webhooks = new Map<string, WebhookItem>();

  function findJob(jobId: string): DeliveryJob | undefined {
    const job = jobs.get(jobId);
    return job && job.expiresMs > clock.businessMs() ? { ...job } : undefined;
  }

  return {
    deliveries: makeMemoryDeliveryStore({ clock, jobs: () => [...jobs.values()] }),

    jobs: {
      find: async (jobId) => findJob(jobId),
      async create(job) {
        if (jobs.has(job.jobId)) {
          throw new Failure("DEPENDENCY_DOWN", "there is a job of this id already");
        }
        jobs.set(job.jobId, { ...job, version: 1 });
      },
      async replace(job) {
        return replaceIn(jobs, job.jobId, job);
      },
    },

    health: {
      async replace(next) {
        const { clientId, version } = next;
        const stored = health.get(clientId);
        if (version > 0 && !stored) {
          throw new Failure("DEPENDENCY_DOWN", "the stored health of an endpoint is missing");
        }
        if (stored && stored.version !== version) return { stored: { ...stored } };
        const written = { ...next, version: version + 1 };
        health.set(clientId, written);
        return { written: { ...written } };
      },
    },

    webhooks: {
      find: async (clientId) => copyOf(webhooks.get(clientId)),
      async replace(webhook) {
        return replaceIn(webhooks, webhook.clientId, webhook, 0);
      },
    },

    inputs: {
      read: async ({ clientIds, requestIds }) => ({
        webhooks: pick(webhooks, clientIds),
        unreadable: new Map(),
        health: pick(health, clientIds),
        cancelledRequests: new Set(requestIds.filter((id) => cancelledRequests.has(id))),
      }),
    },
  };
}

/** @param versionOfNone what counts as the version of one that is not there */
function replaceIn<Value extends { version: number }>(
  stored: Map<string, Value>,
  id: string,
  value: Value,
  versionOfNone?: number,
): Value | undefined {
  if ((stored.get(id)?.version ?? versionOfNone) !== value.version) return undefined;
  const next = { ...value, version: value.version + 1 };
  stored.set(id, next);
  return { ...next };
}

function pick<Value extends object>(
  stored: ReadonlyMap<string, Value>,
  ids: readonly string[],
): Map<string, Value> {
  return new Map(
    ids.flatMap((id) => {
      const found = stored.get(id);
      return found ? [[id, { ...found }]] : [];
    }),
  );
}

function copyOf<Value extends object>(value: Value | undefined): Value | undefined {
  return value && { ...value };
}
