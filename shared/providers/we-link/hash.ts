import { createHmac } from "node:crypto";
import { equalSecrets, sha256Hex } from "../../core/crypto/digest.ts";
import { verifiedClaims } from "../../core/crypto/hs256.ts";
import { canonicalJson, isObject, type JsonObject } from "../../core/json/json.ts";
import { type JsonMember, topLevelMembers, withoutMember } from "../../core/json/json-members.ts";
import { pythonJson } from "../../core/json/python-json.ts";
import type {
  ProviderWebhook,
  Verification,
  VerificationInput,
} from "../../core/providers/provider-pack.ts";
import { requestIdsOf } from "./request-id.ts";

/**
 * Verifies the member `hash` of a body. We-Link's documents show both an HMAC in
 * hex and a JWT, and two of its samples serialise the signed text differently, so
 * every form is tried that the connection's settings allow.
 */
export function verifyWeLink(webhook: ProviderWebhook, input: VerificationInput): Verification {
  const { hash, ...bodyWithoutHash } = webhook.value;
  const [member, ...others] = topLevelMembers(webhook.text).filter(({ key }) => key === "hash");
  // With two hashes it would be ambiguous which one signs the body.
  if (typeof hash !== "string" || !member || others.length > 0) return { kind: "invalid" };
  const textIn = makeSerialise(webhook, member, bodyWithoutHash);
  if (/^[0-9a-f]{64}$/.test(hash)) return verifyHmac(hash, textIn, input);
  const isToken = input.settings.hashForms.includes("jwt") && hash.split(".").length === 3;
  return isToken ? verifyToken(hash, { bodyWithoutHash, textIn }, input) : { kind: "invalid" };
}

const serialisations = ["raw", "json", "python"] as const;

type Serialisation = (typeof serialisations)[number];

/** Returns the signed text: the body without `hash`, in this serialisation. */
type Serialise = (form: Serialisation) => string;

function makeSerialise(
  webhook: ProviderWebhook,
  member: JsonMember,
  bodyWithoutHash: JsonObject,
): Serialise {
  return (form) => {
    // Serialised again, a number that was parsed into text would become a JSON string.
    const text = withoutMember(webhook.text, member);
    if (form === "python") return pythonJson(text);
    return form === "raw" || webhook.numbersAsText ? text : JSON.stringify(bodyWithoutHash);
  };
}

export function hmacHex(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

function verifyHmac(
  hash: string,
  textIn: Serialise,
  { secrets, settings }: VerificationInput,
): Verification {
  const form = serialisations.find((serialisation) => {
    if (!settings.hashForms.includes(serialisation)) return false;
    const text = textIn(serialisation);
    // All secrets are compared, so that the duration does not reveal which one matched.
    return secrets.map((secret) => equalSecrets(hmacHex(secret, text), hash)).includes(true);
  });
  return form ? { kind: "verified", form } : { kind: "invalid" };
}

function verifyToken(
  token: string,
  body: { bodyWithoutHash: JsonObject; textIn: Serialise },
  { secrets, settings, nowMs }: VerificationInput,
): Verification {
  const claims = verifiedClaims(token, secrets, nowMs);
  if (!claims) return { kind: "invalid" };
  if (coversBody(claims, body)) return { kind: "verified", form: "jwt" };
  const claimedIds = requestIdsOf(claims);
  const bodyIds = requestIdsOf(body.bodyWithoutHash);
  const namesRequest = claimedIds.length > 0 && claimedIds.every((id) => bodyIds.includes(id));
  if (!namesRequest) return { kind: "invalid" };
  return { kind: settings.allowUnboundJwt ? "verified" : "unbound", form: "jwt" };
}

/** The registered claims. https://datatracker.ietf.org/doc/html/rfc7519#section-4.1 */
const registeredClaims = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/** Claims that may contain the whole body. */
const bodyClaims = ["payload", "data", "body"];

/** Whether the token signs the body: its claims contain the body's digest, its text, or exactly its members. */
function coversBody(claims: JsonObject, body: { bodyWithoutHash: JsonObject; textIn: Serialise }) {
  const digests = serialisations.map(body.textIn).flatMap((text) => {
    const hex = sha256Hex(text);
    const bytes = Buffer.from(hex, "hex");
    return [hex, bytes.toString("base64"), bytes.toString("base64url"), text];
  });
  const nested = bodyClaims.map((name) => (Object.hasOwn(claims, name) ? claims[name] : undefined));
  return (
    Object.values(claims).some((claim) => typeof claim === "string" && digests.includes(claim)) ||
    isTheBody(withoutOwnClaims(claims, body.bodyWithoutHash), body.bodyWithoutHash) ||
    nested.some((claim) => isObject(claim) && isTheBody(claim, body.bodyWithoutHash))
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
