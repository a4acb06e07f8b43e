import { createHmac } from "node:crypto";

/** Signs a body as We-Link's documentation says: `hash` is the HMAC-SHA-256 of the body without it, in hex. */
export function signedByWeLink(body: object, secret: string): string {
  const text = JSON.stringify(body);
  const hash = createHmac("sha256", secret).update(text).digest("hex");
  return JSON.stringify({ ...body, hash });
}
