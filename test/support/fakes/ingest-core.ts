import { toResult } from "../../../functions/ingest/request.ts";
import type { InboundMessage } from "../../../shared/contracts/messages/inbound.ts";
import { providerPacks } from "../../../shared/contracts/providers.ts";
import type { Connection } from "../../../shared/core/connections/ports.ts";
import { sha256Hex } from "../../../shared/core/crypto/digest.ts";
import { makeIngestWebhook } from "../../../shared/core/inbound/ingest-webhook.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";
import { makeTestClock } from "./clocks.ts";
import { makeTestReader } from "./inbound-reader.ts";

export const SECRET = "secret code";
const TOKEN = "t".repeat(64);

/** The limit of a deployed stage. */
export const MAX_BODY_BYTES = 240_000;

/** The decisions of `ingest` on one connection in memory, with a fixed clock. */
export function makeIngestCore(
  provider: "we-link" | "linked-api" = "we-link",
  webhookSecret = provider === "we-link" ? SECRET : undefined,
) {
  const clock = makeTestClock();
  const queued: InboundMessage[] = [];
  const bodies = makeMemoryBlobStore();
  const connection: Connection = {
    clientId: "cl_1",
    connectionId: "cn_1",
    provider,
    tokens: [{ sha256: sha256Hex(TOKEN) }],
    createdAt: "2026-06-25T12:00:00.000Z",
    secrets: { webhookSecrets: webhookSecret ? [{ secret: webhookSecret }] : [] },
    settings: {
      status: "active",
      signature: "enforce",
      hashForms: ["raw", "json", "python", "jwt"],
      allowUnboundJwt: false,
      verifyByFetch: false,
    },
  };
  const known = async (id: string) => (id === connection.connectionId ? connection : undefined);
  const pinned: (string | undefined)[] = [];
  const weLink = providerPacks["we-link"];
  const recordingPins: typeof weLink = {
    ...weLink,
    verify(webhook, input) {
      pinned.push(input.lastEncoding);
      return weLink.verify(webhook, input);
    },
  };
  const ingest = makeIngestWebhook({
    connections: { read: known, readThrottled: known },
    queue: {
      send: async (message) => {
        queued.push(message);
      },
    },
    correlations: { recordEvent: async () => undefined },
    bodies,
    quarantine: { put: async () => undefined },
    storeSettledForm: async () => undefined,
    storeRefused: async () => undefined,
    packs: { ...providerPacks, "we-link": recordingPins },
    clock,
    maxBodyBytes: MAX_BODY_BYTES,
    maxInlineBytes: 60_000,
  });
  const read = makeTestReader({ clock, bodies });

  return {
    clock,
    queued,
    /** The encoding that each verification of a We-Link webhook tries first. */
    pinned,
    /** The answer to the provider. */
    async post(body: string | Uint8Array, headers: Record<string, string> = {}) {
      const command = { provider, connectionId: "cn_1", token: TOKEN, headers };
      const signal = new AbortController().signal;
      const bytes = typeof body === "string" ? Buffer.from(body) : body;
      const { statusCode, body: text } = toResult(
        await ingest({ ...command, body: bytes, signal }),
      );
      return { status: statusCode, code: JSON.parse(text ?? "{}").code, text };
    },
    /** The events that `consume` makes of the queued messages. */
    events: () => Promise.all(queued.map((message) => read(JSON.stringify(message)))),
  };
}
