import { isUtf8 } from "node:buffer";
import {
  brotliDecompressSync,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from "node:zlib";
import { Failure } from "../../contracts/failures.ts";

/** Codings of `content-encoding`. https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1 */
const decoders: Readonly<Record<string, readonly Decompress[]>> = {
  gzip: [gunzipSync],
  "x-gzip": [gunzipSync],
  // Some senders omit the zlib header of `deflate`.
  deflate: [inflateSync, inflateRawSync],
  br: [brotliDecompressSync],
  zstd: [zstdDecompressSync],
};

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;

/** Codings that are undone; a sender applies one, rarely two. */
const MAX_CODINGS = 2;

/**
 * Returns the JSON text of a message as UTF-8 bytes: without its `content-encoding`
 * and in the right charset. Bytes that need no decoding, or that are not what their
 * headers say, are returned as they are, and the parser decides about them.
 *
 * @param headers names in lower case
 * @throws BODY_TOO_LARGE when the decoded body has more than `maxBytes`
 */
export function decodeBody(
  body: Uint8Array,
  headers: Readonly<Record<string, string | undefined>>,
  maxBytes: number,
): Uint8Array {
  const decoded = decompress(body, headers["content-encoding"] ?? "", maxBytes);
  const text = textInOtherCharset(decoded, headers["content-type"] ?? "");
  if (text === undefined) return decoded;
  const bytes = Buffer.from(text);
  if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

function decompress(body: Uint8Array, encoding: string, maxBytes: number): Uint8Array {
  const codings = encoding.split(",").map((coding) => coding.trim().toLowerCase());
  const applied = codings.filter((coding) => coding !== "" && coding !== "identity");
  // A body with this signature is no JSON, so it is compressed whatever its header says.
  const isUndeclared = applied.length === 0 && body[0] === 0x1f && body[1] === 0x8b;
  return (isUndeclared ? ["gzip"] : applied.slice(-MAX_CODINGS).reverse()).reduce(
    (bytes, coding) => undo(coding, bytes, maxBytes),
    body,
  );
}

function undo(coding: string, bytes: Uint8Array, maxBytes: number): Uint8Array {
  const candidates = Object.hasOwn(decoders, coding) ? decoders[coding] : undefined;
  for (const decompressed of candidates ?? []) {
    try {
      return decompressed(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      if (error instanceof RangeError) throw tooLarge(maxBytes);
      // A proxy may have decompressed the body and kept the header.
    }
  }
  return bytes;
}

/** Returns `undefined` for UTF-8, and for a charset that is unknown. JSON is UTF-8, whatever a header says. */
function textInOtherCharset(bytes: Uint8Array, contentType: string): string | undefined {
  const declared = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1] ?? "";
  const charset = charsetOf(bytes, declared.toLowerCase());
  if (charset === undefined) return undefined;
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function charsetOf(bytes: Uint8Array, declared: string): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  // The first character of a JSON object is ASCII.
  if (first === 0x7b && second === 0) return "utf-16le";
  if (first === 0 && second === 0x7b) return "utf-16be";
  if (declared === "" || /^utf-?8$/.test(declared)) return undefined;
  return isUtf8(bytes) ? undefined : declared;
}

function tooLarge(maxBytes: number): Failure {
  return new Failure("BODY_TOO_LARGE", `decoded, it has more than ${maxBytes} bytes`);
}
