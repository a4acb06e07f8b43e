import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { parseJsonOrUndefined } from "../../contracts/json-text.ts";
import { isObject } from "../json/json.ts";

/**
 * The master secret: `{"current":"k1","k1":"<random>"}`. Old keys stay in it, so
 * that values sealed with them still open.
 */
export interface MasterKeys {
  current: string;
  keys: ReadonlyMap<string, string>;
}

const KEY_ID = /^k\d{1,6}$/;

/** Parses the master secret. @throws Error that names the fault and contains no value */
export function readMasterKeys(secretString: string): MasterKeys {
  const parsed = parseJsonOrUndefined(secretString);
  if (!isObject(parsed)) throw new Error("The master secret must be a JSON object");
  const keys = new Map<string, string>();
  for (const [id, value] of Object.entries(parsed)) {
    if (KEY_ID.test(id) && typeof value === "string" && value.length >= 32) keys.set(id, value);
  }
  const { current } = parsed;
  if (typeof current !== "string" || !keys.has(current)) {
    throw new Error('The master secret\'s "current" must name one of its keys (k1, k2 …)');
  }
  return { current, keys };
}

/** Returns the id of the master key that sealed a value. */
export function sealedWith(sealed: string): string {
  return sealed.split(".")[1] ?? "";
}

/** NIST SP 800-38D, section 8.2: 96 random bits for each sealing with one key. */
const IV_BYTES = 12;

/**
 * Encrypts a text for storage (AES-256-GCM). It opens only with the same
 * `boundTo`, so that a sealed value copied into another item cannot be opened.
 *
 * @param deps `randomHex` returns that many bytes of a cryptographic random source as hex
 */
export function seal(
  { masterKeys, randomHex }: { masterKeys: MasterKeys; randomHex: (bytes: number) => string },
  boundTo: string,
  plaintext: string,
): string {
  const { current } = masterKeys;
  const iv = Buffer.from(randomHex(IV_BYTES), "hex");
  const cipher = createCipheriv("aes-256-gcm", sealingKey(masterKeys, current), iv);
  cipher.setAAD(Buffer.from(boundTo));
  const body = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  const parts = [iv, body, cipher.getAuthTag()].map((part) => part.toString("base64url"));
  return ["v1", current, ...parts].join(".");
}

/** Decrypts a sealed text. @throws Error when its key is missing, `boundTo` differs or a bit was changed */
export function unseal(master: MasterKeys, boundTo: string, sealed: string): string {
  const [version, keyId = "", ...parts] = sealed.split(".");
  const [iv, body, tag] = parts.map((part) => Buffer.from(part, "base64url"));
  if (version !== "v1" || !iv || !body || tag?.length !== 16) {
    throw new Error("A sealed value is not of the form v1.key.iv.body.tag");
  }
  const decipher = createDecipheriv("aes-256-gcm", sealingKey(master, keyId), iv);
  decipher.setAAD(Buffer.from(boundTo));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
}

function sealingKey(master: MasterKeys, keyId: string): Buffer {
  return derivedKey(master, keyId, "ackwire/seal");
}

/**
 * Derives 32 bytes from a master key for one purpose. Each call returns the same
 * bytes, so that they need not be stored.
 *
 * @throws Error that names the master key when it is missing
 */
export function derivedKey(master: MasterKeys, keyId: string, purpose: string): Buffer {
  const secret = master.keys.get(keyId);
  if (secret === undefined) throw new Error(`The master secret has no key ${keyId}`);
  return Buffer.from(hkdfSync("sha256", secret, "", purpose, 32));
}
