import { deflateRawSync, inflateRawSync } from "node:zlib";
import * as z from "zod/mini";

/** A shorter text does not become smaller by enough to be worth it. */
const MIN_BYTES = 256;

/**
 * Returns a text as an attribute stores it: compressed (raw DEFLATE) where that is smaller.
 * DynamoDB bills each write of an item by its size in KB, and an envelope is in several writes.
 */
export function packText(text: string): string | Uint8Array {
  const bytes = Buffer.from(text);
  if (bytes.length < MIN_BYTES) return text;
  const packed = deflateRawSync(bytes);
  return packed.length < bytes.length ? packed : text;
}

/**
 * An attribute that `packText` has made, or that an earlier version stored as it is. Its output
 * is the text.
 */
export const packedText = z.pipe(
  z.union([z.string(), z.instanceof(Uint8Array)]),
  z.transform((stored: string | Uint8Array<ArrayBuffer>, { issues }) => {
    if (typeof stored === "string") return stored;
    try {
      return inflateRawSync(stored).toString("utf8");
    } catch {
      issues.push({ code: "custom", input: stored, message: "is not compressed text" });
      return z.NEVER;
    }
  }),
);

/** A text in an attribute, or the key of one in the bucket. */
export const storedText = z.union([
  z.object({ inline: packedText }),
  z.object({ key: z.string() }),
]);

/** The attribute of a text for `storedText`. */
export function packStoredText(
  text: { inline: string } | { key: string },
): { inline: string | Uint8Array } | { key: string } {
  return "inline" in text ? { inline: packText(text.inline) } : text;
}
