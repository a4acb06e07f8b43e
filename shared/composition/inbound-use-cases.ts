import { providerPacks } from "../contracts/providers.ts";
import type { ConnectionReader } from "../core/connections/ports.ts";
import { makeConsumeWebhooks } from "../core/inbound/consume-webhooks.ts";
import { type IngestDeps, makeIngestWebhook } from "../core/inbound/ingest-webhook.ts";
import { makeLoadWebhook } from "../core/inbound/load-webhook.ts";
import type { BlobStore } from "../core/inbound/ports.ts";
import type { EventPorts } from "./event-ports.ts";
import type { ProviderPorts } from "./provider-ports.ts";
import { composeJoin, type JoinPorts } from "./request-use-cases.ts";

/** What `ingest` needs. */
export type IngestPorts = Omit<IngestDeps, "packs">;

/** What `consume` needs. */
export interface ConsumePorts extends JoinPorts, EventPorts, Omit<ProviderPorts, "connections"> {
  connections: Pick<ConnectionReader, "read" | "readUncached">;
  bodies: BlobStore;
  /** Business time for which a published event is remembered. */
  dedupeRetentionMs: number;
  /** Returns a new owner of claims. */
  newOwner: () => string;
  /** Real time for which a claimed event belongs to one worker. */
  claimLeaseMs: number;
}

/** Composes what `ingest` does with one webhook. */
export function composeIngest(ports: IngestPorts): {
  ingestWebhook: ReturnType<typeof makeIngestWebhook>;
} {
  return { ingestWebhook: makeIngestWebhook({ ...ports, packs: providerPacks }) };
}

/** Composes what `consume` does with a batch of webhooks. */
export function composeConsume(ports: ConsumePorts): {
  consumeWebhooks: ReturnType<typeof makeConsumeWebhooks>;
} {
  return {
    consumeWebhooks: makeConsumeWebhooks({
      ...ports,
      loadWebhook: makeLoadWebhook({ ...ports, packs: providerPacks }),
      matchWebhooks: composeJoin(ports).matchWebhooks,
    }),
  };
}
