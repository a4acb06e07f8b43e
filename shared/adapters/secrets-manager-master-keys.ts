import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type MasterKeys, readMasterKeys } from "../core/master-keys.ts";
import { dependency } from "./dependency-down.ts";

/** How long one function works with the master keys that it read. */
const REREAD_AFTER_MS = 5 * 60_000;

/** How soon after a reading a key that is missing is worth another one. */
const MISSING_KEY_REREAD_MS = 2_000;

/** Gives the master keys; `keyId` is one that the caller will need of them. */
export type MasterKeyReader = (abortSignal: AbortSignal, keyId?: string) => Promise<MasterKeys>;

/**
 * Reads the master keys when they are first needed, every five minutes, and
 * when a value was sealed with a key that was added since.
 */
export function makeMasterKeyReader(options: {
  client: SecretsManagerClient;
  secretId: string;
  nowMs: () => number;
}): MasterKeyReader {
  let cached: { keys: MasterKeys; readAtMs: number } | undefined;
  return async (abortSignal, keyId) => {
    const ageMs = cached ? options.nowMs() - cached.readAtMs : Number.POSITIVE_INFINITY;
    const isMissing = keyId !== undefined && !cached?.keys.keys.has(keyId);
    const limitMs = isMissing ? MISSING_KEY_REREAD_MS : REREAD_AFTER_MS;
    if (cached && ageMs < limitMs) return cached.keys;
    const get = new GetSecretValueCommand({ SecretId: options.secretId });
    const { SecretString = "" } = await dependency("Secrets Manager GetSecretValue", () =>
      options.client.send(get, { abortSignal }),
    );
    const keys = await dependency("reading the master secret", async () =>
      readMasterKeys(SecretString),
    );
    cached = { keys, readAtMs: options.nowMs() };
    return keys;
  };
}
