import { Failure } from "../../contracts/failures.ts";
import type { Clock } from "../clock.ts";
import type { Connection } from "../connections/ports.ts";
import { validAt } from "../connections/rotation.ts";
import { parseJsonObject } from "../json/json.ts";
import type { ProviderPack } from "../providers/provider-pack.ts";
import { storeAndBuildMessage } from "./ingest-webhook.ts";
import type { BlobStore, InboundQueue, QuarantinedWebhook } from "./ports.ts";
import { quarantinedAt } from "./quarantine-key.ts";

/** The quarantined webhooks of one connection. */
export interface QuarantineContents {
  keys(connectionId: string): AsyncIterable<string>;
  /** @returns `undefined` when another release has removed it */
  get(key: string): Promise<QuarantinedWebhook | undefined>;
  remove(key: string): Promise<void>;
}

export interface ReleaseQuarantineDeps {
  contents: QuarantineContents;
  queue: InboundQueue;
  bodies: BlobStore;
  packs: Readonly<Record<string, ProviderPack>>;
  clock: Clock;
  maxInlineBytes: number;
  /** Returns the signal that ends the sending of one webhook. */
  sendDeadline: () => AbortSignal;
  /** Called after each webhook. */
  onProgress: (key: string, outcome: "released" | "kept") => void;
}

/**
 * Verifies quarantined webhooks against the connection as it is now, and queues
 * those whose signature is valid.
 *
 * A webhook is removed from the quarantine after the queue has it. A crash in
 * between queues it twice, and `consume` ignores the copy.
 *
 * @param untilRealMs when it stops; `isComplete` is then false
 */
export const makeReleaseQuarantine =
  (deps: ReleaseQuarantineDeps) =>
  async (
    connection: Connection,
    untilRealMs: number = Number.POSITIVE_INFINITY,
  ): Promise<{ released: number; kept: number; isComplete: boolean }> => {
    const total = { released: 0, kept: 0 };
    for await (const key of deps.contents.keys(connection.connectionId)) {
      if (deps.clock.realMs() > untilRealMs) return { ...total, isComplete: false };
      const outcome = (await release(deps, connection, key)) ? "released" : "kept";
      total[outcome]++;
      deps.onProgress(key, outcome);
    }
    return { ...total, isComplete: true };
  };

async function release(deps: ReleaseQuarantineDeps, connection: Connection, key: string) {
  const webhook = await deps.contents.get(key);
  // Not the current time: a webhook older than the dedupe window must not look like a new one.
  const receivedAtMs = quarantinedAt(key);
  if (!webhook || !isAuthentic(deps, connection, { ...webhook, receivedAtMs })) return false;
  const signal = deps.sendDeadline();
  const verifyByFetch = connection.settings.verifyByFetch;
  const received = { body: webhook.body, receivedAtMs, verifyByFetch, signal };
  await deps.queue.send(await storeAndBuildMessage(deps, connection, received), signal);
  await deps.contents.remove(key);
  return true;
}

/** Verifies with the secrets of now and the time of receipt: a token may have expired since. */
function isAuthentic(
  deps: ReleaseQuarantineDeps,
  connection: Connection,
  { body, headers, receivedAtMs }: QuarantinedWebhook & { receivedAtMs: number },
): boolean {
  const pack = deps.packs[connection.provider];
  const secrets = validAt(connection.secrets.webhookSecrets, deps.clock.businessMs());
  try {
    const webhook = { ...parseJsonObject(body), bytes: body, headers };
    pack?.parseWebhook(webhook);
    const verification = pack?.verify(webhook, {
      secrets: secrets.map(({ secret }) => secret),
      settings: connection.settings,
      nowMs: receivedAtMs,
    });
    return verification?.kind === "verified";
  } catch (error) {
    // An unreadable body stays in the quarantine, and the others are still released.
    if (error instanceof Failure) return false;
    throw error;
  }
}
