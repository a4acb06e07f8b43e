import type { ProviderPack } from "../providers/provider-pack.ts";

/** Bytes of a header that is kept: S3 stores 2 KB of them with an object. */
const MAX_LENGTH = 256;

/**
 * The headers by which a webhook can be verified again later. One that is longer than any
 * signature, or is not printable ASCII, is left out, because S3 could refuse the webhook for it.
 */
export function signatureHeadersOf(
  { signatureHeaders }: Pick<ProviderPack, "signatureHeaders">,
  headers: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = signatureHeaders.flatMap((name) => {
    const value = headers[name] ?? "";
    const isKept = value.length <= MAX_LENGTH && /^[\x20-\x7e]+$/.test(value);
    return isKept ? [[name, value]] : [];
  });
  return Object.fromEntries(kept) as Record<string, string>;
}
