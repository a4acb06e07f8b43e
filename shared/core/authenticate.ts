import type { ApiKeyItem } from "../contracts/config-items.ts";
import { Failure } from "../contracts/failures.ts";
import { equalSecrets, sha256Hex } from "./digest.ts";
import type { Clock } from "./ports.ts";

export interface ApiKeys {
  /** May be some seconds old. @throws DEPENDENCY_DOWN */
  find(keyId: string): Promise<ApiKeyItem | undefined>;
  /** Keeps when a key was used. Calling again is safe. @throws DEPENDENCY_DOWN */
  touch(keyId: string, usedAt: string): Promise<void>;
}

export interface AuthenticateDeps {
  keys: ApiKeys;
  clock: Clock;
  /** Told of what was given up without harm to the caller. */
  dropped: (error: unknown) => void;
}

/** Whose call it is. */
export interface Caller {
  clientId: string;
  keyId: string;
}

const BEARER = /^bearer +ackwire_([A-Za-z0-9]{1,64})_([A-Za-z0-9]{1,256})$/i;
const TOUCH_EVERY_MS = 60 * 60 * 1000;

/**
 * Who calls, by the `Authorization` header.
 *
 * @throws UNAUTHENTICATED, the same for each cause; DEPENDENCY_DOWN
 */
export const makeAuthenticate =
  (deps: AuthenticateDeps) =>
  async (authorization: string | undefined): Promise<Caller> => {
    const [, keyId = "", secret = ""] = BEARER.exec(authorization ?? "") ?? [];
    const key = keyId === "" ? undefined : await deps.keys.find(keyId);
    const isRight = equalSecrets(sha256Hex(secret), key?.secretSha256 ?? "");
    if (!key || !isRight || key.revokedAt !== undefined) {
      throw new Failure("UNAUTHENTICATED", "no valid API key");
    }
    await touch(deps, key);
    return { clientId: key.clientId, keyId };
  };

async function touch({ keys, clock, dropped }: AuthenticateDeps, key: ApiKeyItem): Promise<void> {
  const nowMs = clock.businessMs();
  const usedMs = key.lastUsedAt === undefined ? 0 : Date.parse(key.lastUsedAt);
  if (nowMs - usedMs < TOUCH_EVERY_MS) return;
  // The call matters, the note of it does not.
  await keys.touch(key.keyId, new Date(nowMs).toISOString()).catch(dropped);
}
