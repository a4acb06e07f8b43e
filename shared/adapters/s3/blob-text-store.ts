import { limits } from "../../contracts/limits.ts";
import { sha256Hex } from "../../core/crypto/digest.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import type { TextStore } from "../../core/requests/state/ports.ts";

/** Stores texts that are too large for an item in the bucket, under a key derived from their bytes. */
export function makeBlobTextStore(options: {
  bodies: BlobStore;
  /** The area of the bucket, which determines the retention. */
  area: "requests" | "deliveries";
}): TextStore {
  const { bodies, area } = options;
  return {
    async store(id, text) {
      if (Buffer.byteLength(text) <= limits.maxInlineBytes) return { inline: text };
      const key = `${area}/${id}/${sha256Hex(text)}`;
      await bodies.put(key, Buffer.from(text));
      return { key };
    },
    async open(text) {
      if ("inline" in text) return text.inline;
      return Buffer.from(await bodies.get(text.key)).toString("utf8");
    },
  };
}
