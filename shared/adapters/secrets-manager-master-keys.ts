import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type MasterKeys, readMasterKeys } from "../core/crypto/master-keys.ts";
import { callDependency } from "./dependency-down.ts";

/** How long the master keys that were read are used. */
const REREAD_AFTER_MS = 5 * 60_000;

/** How long the keys that were read are used after a read that failed. */
const RETRY_AFTER_MS = 30_000;

/** Minimum age of the keys at which a missing key causes another read. */
const MISSING_KEY_REREAD_MS = 2_000;

/** Returns the master keys. `keyId` is a key that the caller needs: if it is missing, the keys are read again. */
export type MasterKeyReader = (abortSignal: AbortSignal, keyId?: string) => Promise<MasterKeys>;

/** A caller shares a read that began less than this long ago. An older one may belong to a process that was frozen. */
const SHARED_READ_MS = 1_000;

/**
 * Reads the master keys when they are first needed, every five minutes, and
 * when a value was sealed with a key that was added since. Concurrent callers
 * share one read, with the deadline of the first. While they cannot be read again, those that were
 * read before are used.
 */
export function makeMasterKeyReader(options: {
  client: SecretsManagerClient;
  secretId: string;
  nowMs: () => number;
  /** Told when keys that were read before are used because they cannot be read again. */
  onNonFatalError: (error: unknown) => void;
}): MasterKeyReader {
  const { client, secretId, nowMs } = options;
  let cached: { keys: MasterKeys; readAtMs: number } | undefined;
  let pendingRead: { keys: Promise<MasterKeys>; beganMs: number } | undefined;

  async function read(abortSignal: AbortSignal): Promise<MasterKeys> {
    const get = new GetSecretValueCommand({ SecretId: secretId });
    const { SecretString = "" } = await callDependency("Secrets Manager GetSecretValue", () =>
      client.send(get, { abortSignal }),
    );
    const keys = await callDependency("reading the master secret", async () =>
      readMasterKeys(SecretString),
    );
    cached = { keys, readAtMs: nowMs() };
    return keys;
  }

  async function readOrShare(abortSignal: AbortSignal): Promise<MasterKeys> {
    if (pendingRead && nowMs() - pendingRead.beganMs < SHARED_READ_MS) return pendingRead.keys;
    const mine = { keys: read(abortSignal), beganMs: nowMs() };
    pendingRead = mine;
    try {
      return await mine.keys;
    } finally {
      if (pendingRead === mine) pendingRead = undefined;
    }
  }

  return async (abortSignal, keyId) => {
    const ageMs = cached ? nowMs() - cached.readAtMs : Number.POSITIVE_INFINITY;
    const isMissing = keyId !== undefined && !cached?.keys.keys.has(keyId);
    const limitMs = isMissing ? MISSING_KEY_REREAD_MS : REREAD_AFTER_MS;
    const known = cached;
    if (!known) return readOrShare(abortSignal);
    if (ageMs < limitMs) return known.keys;
    return readOrShare(abortSignal).catch((error: unknown) => {
      if (isMissing) throw error;
      options.onNonFatalError(error);
      known.readAtMs = nowMs() - REREAD_AFTER_MS + RETRY_AFTER_MS;
      return known.keys;
    });
  };
}
