import { limits } from "../../contracts/limits.ts";
import { sha256Hex } from "../../core/crypto/digest.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import type { TextStore } from "../../core/requests/state/ports.ts";

/** Texts that are too large for an item lie in the bucket, under a name that only these bytes have. */
export function makeBlobTextStore(options: {
  bodies: BlobStore;
  /** The part of the bucket, which says how long they are kept. */
  area: "requests" | "deliveries";
}): TextStore {
  const { bodies, area } = options;
  return {
    async keep(id, text) {
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
