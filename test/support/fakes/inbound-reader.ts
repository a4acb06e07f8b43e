import { providerPacks } from "../../../shared/contracts/providers.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import {
  type LoadWebhookDeps,
  makeLoadWebhook,
} from "../../../shared/core/inbound/load-webhook.ts";
import {
  type MatchWebhooks,
  toUnmatchedEvent,
} from "../../../shared/core/inbound/match-webhooks.ts";
import { truncateKeepingOriginal } from "../../../shared/core/inbound/truncate-keeping-original.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";

/** Decodes inbound messages without a store: every account is known, and no provider answers. */
export function makeTestDecode(
  over: Partial<LoadWebhookDeps> & Pick<LoadWebhookDeps, "clock">,
): ReturnType<typeof makeLoadWebhook> {
  const none = async () => undefined;
  return makeLoadWebhook({
    packs: providerPacks,
    bodies: makeMemoryBlobStore(),
    accounts: { find: async () => ({}), findUncached: async () => ({}) },
    connections: { read: none, readUncached: none },
    calls: {
      send: async () => ({ kind: "incomplete", reason: "no provider answers in this test" }),
    },
    dedupeRetentionMs: 30 * 86_400_000,
    ...over,
  });
}

/** Decodes a message that belongs to no request, and returns its event as the bus gets it. */
export function makeTestReader(of: Parameters<typeof makeTestDecode>[0]) {
  const bodies = of.bodies ?? makeMemoryBlobStore();
  const decode = makeTestDecode({ ...of, bodies });
  return async (text: string): Promise<FinalEvent> =>
    truncateKeepingOriginal(bodies, toUnmatchedEvent(await decode(text)));
}

/** The first two steps of `consume`, for messages that belong to no request, and a blob store. */
export function unjoined(of: Parameters<typeof makeTestDecode>[0]) {
  const bodies = of.bodies ?? makeMemoryBlobStore();
  const matchWebhooks: MatchWebhooks = async (webhooks) => ({
    outcomes: webhooks.map((one) => ({ kind: "unmatched", event: toUnmatchedEvent(one) })),
    outbox: { published: 0, failures: [] },
  });
  return { loadWebhook: makeTestDecode({ ...of, bodies }), matchWebhooks, bodies };
}
