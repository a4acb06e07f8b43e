import { makeMemoryBlobStore } from "../../shared/adapters/memory-blob-store.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { makeReadInbound, type ReadInboundDeps } from "../../shared/core/read-inbound.ts";
import { providerPacks } from "../../shared/providers/packs.ts";

/** Reads inbound messages without a store: every account is known, and no provider answers. */
export function makeTestReader(
  over: Partial<ReadInboundDeps> & Pick<ReadInboundDeps, "clock">,
): ReturnType<typeof makeReadInbound> {
  const none = async () => undefined;
  return makeReadInbound({
    packs: providerPacks,
    bodies: makeMemoryBlobStore(),
    accounts: { find: async () => ({}) },
    connections: { read: none, refresh: none },
    providers: {
      call: async () => {
        throw new Failure("DEPENDENCY_DOWN", "no provider answers in this test");
      },
    },
    windowMs: 30 * 86_400_000,
    ...over,
  });
}
