import { providerPacks } from "../../../shared/contracts/providers.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import {
  type DecodeInboundDeps,
  makeDecodeInbound,
} from "../../../shared/core/inbound/decode-inbound.ts";
import { type JoinWebhooks, toUnmatchedEvent } from "../../../shared/core/inbound/join-webhooks.ts";
import { storeAndTruncate } from "../../../shared/core/inbound/store-and-truncate.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";

/** Decodes inbound messages without a store: every account is known, and no provider answers. */
export function makeTestDecode(
  over: Partial<DecodeInboundDeps> & Pick<DecodeInboundDeps, "clock">,
): ReturnType<typeof makeDecodeInbound> {
  const none = async () => undefined;
  return makeDecodeInbound({
    packs: providerPacks,
    bodies: makeMemoryBlobStore(),
    accounts: { find: async () => ({}) },
    connections: { read: none },
    calls: {
      send: async () => ({ kind: "incomplete", reason: "no provider answers in this test" }),
    },
    windowMs: 30 * 86_400_000,
    ...over,
  });
}

/** Decodes a message that belongs to no request, and returns its event as the bus gets it. */
export function makeTestReader(of: Parameters<typeof makeTestDecode>[0]) {
  const bodies = of.bodies ?? makeMemoryBlobStore();
  const decode = makeTestDecode({ ...of, bodies });
  return async (text: string): Promise<FinalEvent> =>
    storeAndTruncate(bodies, toUnmatchedEvent(await decode(text)));
}

/** The first two steps of `consume`, for messages that belong to no request, and a blob store. */
export function unjoined(of: Parameters<typeof makeTestDecode>[0]) {
  const bodies = of.bodies ?? makeMemoryBlobStore();
  const join: JoinWebhooks = async (webhooks) => ({
    outcomes: webhooks.map((one) => ({ kind: "unmatched", event: toUnmatchedEvent(one) })),
    outbox: { published: 0, failures: [] },
  });
  return { decode: makeTestDecode({ ...of, bodies }), join, bodies };
}
