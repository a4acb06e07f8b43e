import { Failure } from "../../contracts/failures.ts";
import type { Clock } from "../clock.ts";
import type { Connection } from "../connections/ports.ts";
import { validAt } from "../connections/rotation.ts";
import { readJsonObject } from "../json/json.ts";
import type { ProviderPack } from "../providers/provider-pack.ts";
import { storeAndBuildMessage } from "./ingest-webhook.ts";
import type { BlobStore, InboundQueue } from "./ports.ts";
import { quarantinedAt } from "./quarantine-key.ts";

/** What lies in the quarantine of one connection. */
export interface QuarantineContents {
  keys(connectionId: string): AsyncIterable<string>;
  /** `undefined` when another release took it meanwhile. */
  get(key: string): Promise<Uint8Array | undefined>;
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
 * Checks what was quarantined against the connection as it is now, and queues
 * what is proven. It leaves the quarantine only after the queue has it: a second
 * run after a crash queues it twice, and it is deduped as any copy is.
 */
export const makeReleaseQuarantine =
  (deps: ReleaseQuarantineDeps) =>
  async (connection: Connection): Promise<{ released: number; kept: number }> => {
    const total = { released: 0, kept: 0 };
    for await (const key of deps.contents.keys(connection.connectionId)) {
      const outcome = (await release(deps, connection, key)) ? "released" : "kept";
      total[outcome]++;
      deps.onProgress(key, outcome);
    }
    return total;
  };

async function release(deps: ReleaseQuarantineDeps, connection: Connection, key: string) {
  const body = await deps.contents.get(key);
  const receivedAtMs = quarantinedAt(key);
  if (!body || !isProven(deps, connection, { body, receivedAtMs })) return false;
  const signal = deps.sendDeadline();
  // Its own time, not now: what is older than the dedupe window must not pass for new.
  const clock = { ...deps.clock, businessMs: () => receivedAtMs };
  const mustConfirm = connection.settings.verifyByFetch;
  const of = { body, signal, mustConfirm };
  await deps.queue.send(await storeAndBuildMessage({ ...deps, clock }, connection, of), signal);
  await deps.contents.remove(key);
  return true;
}

/** As `ingest` would have judged it when it came: a token may have run out since. */
function isProven(
  deps: ReleaseQuarantineDeps,
  connection: Connection,
  { body, receivedAtMs }: { body: Uint8Array; receivedAtMs: number },
): boolean {
  const pack = deps.packs[connection.provider];
  const secrets = validAt(connection.secrets.webhookSecrets, deps.clock.businessMs());
  try {
    const webhook = { ...readJsonObject(body), headers: {} };
    pack?.read(webhook);
    const proof = pack?.verify(webhook, {
      secrets: secrets.map(({ secret }) => secret),
      settings: connection.settings,
      nowMs: receivedAtMs,
    });
    return proof?.kind === "verified";
  } catch (error) {
    // Not readable, or without its frame: it stays, and keeps none of the others waiting.
    if (error instanceof Failure) return false;
    throw error;
  }
}
