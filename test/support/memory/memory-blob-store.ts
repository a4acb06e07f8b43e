import { Failure } from "../../../shared/contracts/failures.ts";
import type { BlobStore } from "../../../shared/core/inbound/ports.ts";

/** Blobs in memory: for tests and simulations. */
export function makeMemoryBlobStore(): BlobStore & { keys(): string[] } {
  const blobs = new Map<string, Uint8Array>();
  return {
    put: async (key, body) => void blobs.set(key, body),
    async get(key) {
      const found = blobs.get(key);
      if (found === undefined) throw new Failure("BODY_GONE", "there is no such blob");
      return found;
    },
    keys: () => [...blobs.keys()],
  };
}
