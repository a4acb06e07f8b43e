import { providerPacks } from "../../../shared/contracts/providers.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type { DecodedWebhook } from "../../../shared/core/inbound/decode-inbound.ts";
import {
  makeDecodeInbound,
  type ReadInboundDeps,
} from "../../../shared/core/inbound/decode-inbound.ts";
import type { JoinOutcome } from "../../../shared/core/inbound/join-webhooks.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";

/** Hears inbound messages without a store: every account is known, and no provider answers. */
export function makeTestHearing(
  over: Partial<ReadInboundDeps> & Pick<ReadInboundDeps, "clock">,
): ReturnType<typeof makeDecodeInbound> {
  const none = async () => undefined;
  return makeDecodeInbound({
    packs: providerPacks,
    bodies: makeMemoryBlobStore(),
    accounts: { find: async () => ({}) },
    connections: { read: none, refresh: none },
    calls: {
      exchange: async () => ({ kind: "incomplete", reason: "no provider answers in this test" }),
    },
    windowMs: 30 * 86_400_000,
    ...over,
  });
}

/** The event that a message stands for where it belongs to no request. */
export function makeTestReader(of: Parameters<typeof makeTestHearing>[0]) {
  const decode = makeTestHearing(of);
  return async (text: string): Promise<FinalEvent> => (await decode(text)).toEvent();
}

/** What `consume` needs to hear messages that belong to no request. */
export function unjoined(of: Parameters<typeof makeTestHearing>[0]) {
  const join = (heard: readonly DecodedWebhook[]): Promise<JoinOutcome[]> =>
    Promise.all(
      heard.map(async (one) => ({ kind: "unmatched" as const, event: await one.toEvent() })),
    );
  return { decode: makeTestHearing(of), join };
}
