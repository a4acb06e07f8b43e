import { createHmac } from "node:crypto";
import { equalSecrets, sha256Hex } from "../../core/crypto/digest.ts";
import { verifiedClaims } from "../../core/crypto/hs256.ts";
import { canonicalJson, isObject, type JsonObject } from "../../core/json/json.ts";
import { type JsonMember, topLevelMembers, withoutMember } from "../../core/json/json-members.ts";
import { pythonJson } from "../../core/json/python-json.ts";
import type {
  Verification,
  VerificationDeps,
  Webhook,
} from "../../core/providers/provider-pack.ts";
import { requestIdsOf } from "./request-id.ts";

/**
 * We-Link signs by a member `hash` inside the body. Its documents show both an
 * HMAC in hex and a JWT, over text that two of its own samples write
 * differently, so each form is tried that the connection has not ruled out.
 */
export function verifyWeLink(webhook: Webhook, deps: VerificationDeps): Verification {
  const { hash, ...signed } = webhook.value;
  const [member, ...others] = topLevelMembers(webhook.text).filter(({ key }) => key === "hash");
  // Two hashes would make it a matter of taste which one is verified.
  if (typeof hash !== "string" || !member || others.length > 0) return { kind: "invalid" };
  const texts = makeTexts(webhook, member, signed);
  if (/^[0-9a-f]{64}$/.test(hash)) return verifyHmac(hash, texts, deps);
  const isToken = deps.settings.hashForms.includes("jwt") && hash.split(".").length === 3;
  return isToken ? verifyToken(hash, { signed, texts }, deps) : { kind: "invalid" };
}

const writtenForms = ["raw", "json", "python"] as const;

type WrittenForm = (typeof writtenForms)[number];

/** The text that was signed, by how it was written; each is made when it is looked at. */
type Texts = (form: WrittenForm) => string;

function makeTexts(webhook: Webhook, member: JsonMember, signed: JsonObject): Texts {
  return (form) => {
    // Written anew, a number that stands as text here would look like one that was sent as text.
    if (form === "raw" || webhook.numbersAsText) return withoutMember(webhook.text, member);
    return form === "json" ? JSON.stringify(signed) : pythonJson(signed);
  };
}

export function hmacHex(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

function verifyHmac(
  hash: string,
  texts: Texts,
  { secrets, settings }: VerificationDeps,
): Verification {
  const form = writtenForms.find((written) => {
    if (!settings.hashForms.includes(written)) return false;
    const text = texts(written);
    // Every secret is compared, so that time does not tell which one it was.
    return secrets.map((secret) => equalSecrets(hmacHex(secret, text), hash)).includes(true);
  });
  return form ? { kind: "verified", form } : { kind: "invalid" };
}

function verifyToken(
  token: string,
  body: { signed: JsonObject; texts: Texts },
  { secrets, settings, nowMs }: VerificationDeps,
): Verification {
  const claims = verifiedClaims(token, secrets, nowMs);
  if (!claims) return { kind: "invalid" };
  if (bindsBody(claims, body)) return { kind: "verified", form: "jwt" };
  const named = requestIdsOf(claims);
  const meant = requestIdsOf(body.signed);
  const namesRequest = named.length > 0 && named.every((id) => meant.includes(id));
  if (!namesRequest) return { kind: "invalid" };
  return { kind: settings.allowUnboundJwt ? "verified" : "unbound", form: "jwt" };
}

/** What a JWT says of itself. https://datatracker.ietf.org/doc/html/rfc7519#section-4.1 */
const registeredClaims = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/** Claims in which a token may carry the whole body. */
const bodyClaims = ["payload", "data", "body"];

/** The claims hold the body's digest, its text, or exactly its members: no more and no fewer. */
function bindsBody(claims: JsonObject, body: { signed: JsonObject; texts: Texts }) {
  const digests = writtenForms.map(body.texts).flatMap((text) => {
    const hex = sha256Hex(text);
    const bytes = Buffer.from(hex, "hex");
    return [hex, bytes.toString("base64"), bytes.toString("base64url"), text];
  });
  const nested = bodyClaims.map((name) => (Object.hasOwn(claims, name) ? claims[name] : undefined));
  return (
    Object.values(claims).some((claim) => typeof claim === "string" && digests.includes(claim)) ||
    isTheBody(without(registeredClaims, claims), without(registeredClaims, body.signed)) ||
    nested.some((claim) => isObject(claim) && isTheBody(claim, body.signed))
  );
}

/** A token may carry the body with the place of its own signature still in it. */
function isTheBody(claimed: JsonObject, body: JsonObject): boolean {
  return canonicalJson(without(["hash"], claimed)) === canonicalJson(body);
}

function without(names: readonly string[], value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
