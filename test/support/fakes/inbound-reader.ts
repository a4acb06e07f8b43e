import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type { HeardWebhook } from "../../../shared/core/inbound/decode-inbound.ts";
import {
  makeHearInbound,
  type ReadInboundDeps,
} from "../../../shared/core/inbound/decode-inbound.ts";
import type { JoinOutcome } from "../../../shared/core/inbound/join-webhooks.ts";
import { providerPacks } from "../../../shared/providers/packs.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";

/** Hears inbound messages without a store: every account is known, and no provider answers. */
export function makeTestHearing(
  over: Partial<ReadInboundDeps> & Pick<ReadInboundDeps, "clock">,
): ReturnType<typeof makeHearInbound> {
  const none = async () => undefined;
  return makeHearInbound({
    packs: providerPacks,
    bodies: makeMemoryBlobStore(),
    accounts: { find: async () => ({}) },
    connections: { read: none, refresh: none },
    calls: { exchange: async () => ({ kind: "lost", reason: "no provider answers in this test" }) },
    windowMs: 30 * 86_400_000,
    ...over,
  });
}

/** The event that a message stands for where it belongs to no request. */
export function makeTestReader(of: Parameters<typeof makeTestHearing>[0]) {
  const hear = makeTestHearing(of);
  return async (text: string): Promise<FinalEvent> => (await hear(text)).toEvent();
}

/** What `consume` needs to hear messages that belong to no request. */
export function unjoined(of: Parameters<typeof makeTestHearing>[0]) {
  const join = (heard: readonly HeardWebhook[]): Promise<JoinOutcome[]> =>
    Promise.all(
      heard.map(async (one) => ({ kind: "unmatched" as const, event: await one.toEvent() })),
    );
  return { hear: makeTestHearing(of), join };
}
