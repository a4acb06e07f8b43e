import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type MasterKeys, readMasterKeys } from "../core/master-keys.ts";
import { dependency } from "./dependency-down.ts";

/** How long one function works with the master keys that it read. */
const REREAD_AFTER_MS = 5 * 60_000;

/** Reads the master keys when they are first needed, and again every five minutes. */
export function makeMasterKeyReader(options: {
  client: SecretsManagerClient;
  secretId: string;
  nowMs: () => number;
}): (abortSignal: AbortSignal) => Promise<MasterKeys> {
  let cached: { keys: MasterKeys; untilMs: number } | undefined;
  return async (abortSignal) => {
    if (cached && cached.untilMs > options.nowMs()) return cached.keys;
    const get = new GetSecretValueCommand({ SecretId: options.secretId });
    const { SecretString = "" } = await dependency("Secrets Manager GetSecretValue", () =>
      options.client.send(get, { abortSignal }),
    );
    cached = { keys: readMasterKeys(SecretString), untilMs: options.nowMs() + REREAD_AFTER_MS };
    return cached.keys;
  };
}
