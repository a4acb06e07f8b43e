import { createHmac } from "node:crypto";
import { type JsonObject, parseJsonObject } from "../json/json.ts";
import { equalSecrets } from "./digest.ts";

/** Tolerated clock difference when the validity of a token is checked. */
export const CLOCK_TOLERANCE_SECONDS = 30;

/**
 * Returns the claims of a JWT that one of the secrets signed with HS256, or
 * `undefined` for any other token.
 *
 * The algorithm is fixed: a header that asks for another one (`none`, RS256) or
 * has `crit` is refused. Headers that point to keys (`jku`, `x5u`, `kid`) are
 * ignored.
 */
export function verifiedClaims(
  token: string,
  secrets: readonly string[],
  nowMs: number,
): JsonObject | undefined {
  const [header = "", claims = "", signature = "", ...more] = token.split(".");
  if (more.length > 0) return undefined;
  const isSigned = secrets
    .map((secret) => equalSecrets(hs256(secret, `${header}.${claims}`), signature))
    .includes(true);
  const { alg, crit } = decoded(header) ?? {};
  const read = decoded(claims);
  if (!isSigned || alg !== "HS256" || crit !== undefined || !read) return undefined;
  return holdsAt(read, nowMs / 1000) ? read : undefined;
}

/** Returns a token with these claims. */
export function signHs256(claims: object, secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${hs256(secret, text)}`;
}

function hs256(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("base64url");
}

function decoded(part: string): JsonObject | undefined {
  // Buffer skips characters outside Base64, but the signature covers only the canonical spelling.
  const bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part) return undefined;
  try {
    return parseJsonObject(bytes).value;
  } catch {
    return undefined;
  }
}

function holdsAt(claims: JsonObject, nowSeconds: number): boolean {
  const [exp, nbf] = [timeOf(claims.exp), timeOf(claims.nbf)];
  const isTime = (claim: unknown) => claim === undefined || Number.isFinite(claim);
  if (!isTime(exp) || !isTime(nbf)) return false;
  if (exp !== undefined && nowSeconds >= Number(exp) + CLOCK_TOLERANCE_SECONDS) return false;
  return nbf === undefined || nowSeconds >= Number(nbf) - CLOCK_TOLERANCE_SECONDS;
}

/** A number that JavaScript would write otherwise, such as `1.0`, is its text until here. */
function timeOf(claim: unknown): unknown {
  return JSON.isRawJSON(claim) ? Number(claim.rawJSON) : claim;
}
