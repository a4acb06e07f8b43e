import { messageOf } from "./ingest-webhook.ts";
import { readJsonObject } from "./json.ts";
import type { BlobStore, Clock, Connection, InboundQueue } from "./ports.ts";
import type { ProviderPack } from "./provider-pack.ts";
import { validAt } from "./rotation.ts";

/** What lies in the quarantine of one connection. */
export interface QuarantineContents {
  keys(connectionId: string): AsyncIterable<string>;
  get(key: string): Promise<Uint8Array>;
  remove(key: string): Promise<void>;
}

export interface ReleaseQuarantineDeps {
  contents: QuarantineContents;
  queue: InboundQueue;
  bodies: BlobStore;
  packs: Readonly<Record<string, ProviderPack>>;
  clock: Clock;
  maxInlineBytes: number;
  /** Told of each webhook, as it is done. */
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
  if (!isProven(deps, connection, body)) return false;
  const signal = AbortSignal.timeout(SEND_LIMIT_MS);
  await deps.queue.send(await messageOf(deps, connection, { body, signal }), signal);
  await deps.contents.remove(key);
  return true;
}

function isProven(deps: ReleaseQuarantineDeps, connection: Connection, body: Uint8Array): boolean {
  const secrets = validAt(connection.secrets.webhookSecrets, deps.clock.businessMs());
  const proof = deps.packs[connection.provider]?.prove(
    { ...readJsonObject(body), headers: {} },
    {
      secrets: secrets.map(({ secret }) => secret),
      settings: connection.settings,
      nowMs: deps.clock.realMs(),
    },
  );
  return proof?.kind === "proven";
}

const SEND_LIMIT_MS = 10_000;
