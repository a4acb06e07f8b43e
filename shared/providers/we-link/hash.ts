import { createHmac } from "node:crypto";
import { equalSecrets, sha256Hex } from "../../core/crypto/digest.ts";
import { verifiedClaims } from "../../core/crypto/hs256.ts";
import { canonicalJson, isObject, type JsonObject } from "../../core/json/json.ts";
import { topLevelMembers, withoutMember } from "../../core/json/json-members.ts";
import type {
  ProviderWebhook,
  Verification,
  VerificationInput,
} from "../../core/providers/provider-pack.ts";
import { requestIdsOf } from "./request-id.ts";
import { signedTexts, type UnsignedBody } from "./signed-texts.ts";

/**
 * Verifies the member `hash` of a body. We-Link's documents show both an HMAC in
 * hex and a JWT, and two of its samples serialise the signed text differently, so
 * every text is tried that a JSON encoder can have written, in the forms that the
 * connection's settings allow.
 */
export function verifyWeLink(webhook: ProviderWebhook, input: VerificationInput): Verification {
  const { hash, ...bodyWithoutHash } = webhook.value;
  const [member, ...others] = topLevelMembers(webhook.text).filter(({ key }) => key === "hash");
  // With two hashes it would be ambiguous which one signs the body.
  if (typeof hash !== "string" || !member || others.length > 0) return { kind: "invalid" };
  const unsigned: UnsignedBody = {
    text: withoutMember(webhook.text, member),
    // Serialised again, a number that was parsed into text would become a JSON string.
    value: webhook.numbersAsText ? undefined : bodyWithoutHash,
  };
  if (/^[0-9a-f]{64}$/.test(hash)) return verifyHmac(hash, unsigned, input);
  const isToken = input.settings.hashForms.includes("jwt") && hash.split(".").length === 3;
  return isToken ? verifyToken(hash, { bodyWithoutHash, unsigned }, input) : { kind: "invalid" };
}

export function hmacHex(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

function verifyHmac(
  hash: string,
  unsigned: UnsignedBody,
  { secrets, settings, lastEncoding }: VerificationInput,
): Verification {
  for (const { form, encoding, text } of signedTexts(unsigned, lastEncoding)) {
    if (!settings.hashForms.includes(form)) continue;
    // All secrets are compared, so that the duration does not reveal which one matched.
    const isSigned = secrets.map((secret) => equalSecrets(hmacHex(secret, text), hash));
    if (isSigned.includes(true)) return { kind: "verified", form, encoding };
  }
  return { kind: "invalid" };
}

function verifyToken(
  token: string,
  body: { bodyWithoutHash: JsonObject; unsigned: UnsignedBody },
  { secrets, settings, nowMs }: VerificationInput,
): Verification {
  const claims = verifiedClaims(token, secrets, nowMs);
  if (!claims) return { kind: "invalid" };
  if (coversBody(claims, body)) return { kind: "verified", form: "jwt" };
  const claimedIds = requestIdsOf(claims);
  const bodyIds = requestIdsOf(body.bodyWithoutHash);
  const namesRequest = claimedIds.length > 0 && claimedIds.every((id) => bodyIds.includes(id));
  if (!namesRequest) return { kind: "invalid" };
  return { kind: settings.allowUnboundJwt ? "verified" : "bodyNotSigned", form: "jwt" };
}

/** The registered claims. https://datatracker.ietf.org/doc/html/rfc7519#section-4.1 */
const registeredClaims = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/** Claims that may contain the whole body. */
const bodyClaims = ["payload", "data", "body"];

/** Whether the token signs the body: its claims contain exactly the body's members, its digest, or its text. */
function coversBody(
  claims: JsonObject,
  { bodyWithoutHash, unsigned }: { bodyWithoutHash: JsonObject; unsigned: UnsignedBody },
): boolean {
  const nested = bodyClaims.map((name) => (Object.hasOwn(claims, name) ? claims[name] : undefined));
  if (
    isTheBody(withoutOwnClaims(claims, bodyWithoutHash), bodyWithoutHash) ||
    nested.some((claim) => isObject(claim) && isTheBody(claim, bodyWithoutHash))
  ) {
    return true;
  }
  const texts = Object.values(claims).filter((claim) => typeof claim === "string");
  return texts.length > 0 && signedTexts(unsigned).some(({ text }) => hasDigestOf(text, texts));
}

function hasDigestOf(text: string, claims: readonly string[]): boolean {
  const hex = sha256Hex(text);
  const bytes = Buffer.from(hex, "hex");
  return [hex, bytes.toString("base64"), bytes.toString("base64url"), text].some((digest) =>
    claims.includes(digest),
  );
}

/** Leaves out the token's own registered claims. A body may have members of these names, which must be claimed. */
function withoutOwnClaims(claims: JsonObject, body: JsonObject): JsonObject {
  const own = registeredClaims.filter((name) => !Object.hasOwn(body, name));
  return without(own, claims);
}

/** Compares without `hash`: a token may contain the body with a placeholder of its own signature. */
function isTheBody(claimed: JsonObject, body: JsonObject): boolean {
  return canonicalJson(without(["hash"], claimed)) === canonicalJson(body);
}

function without(names: readonly string[], value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
