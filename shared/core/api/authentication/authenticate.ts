import type { ApiKeyItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { Operation } from "../../../contracts/http/operations.ts";
import { identifiedAccount, identifiedWith } from "../../administration/identification-token.ts";
import type { Clock } from "../../clock.ts";
import { equalSecrets, sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";

export interface ApiKeys {
  /** May be some seconds old. @throws DEPENDENCY_DOWN */
  find(keyId: string): Promise<ApiKeyItem | undefined>;
  /** Keeps when a key was used. Calling again is safe. @throws DEPENDENCY_DOWN */
  touch(keyId: string, usedAt: string): Promise<void>;
}

export interface AuthenticateDeps {
  keys: ApiKeys;
  /** The master keys, `keyId` among them if there is one of that name. @throws DEPENDENCY_DOWN */
  masterKeys: (keyId: string) => Promise<MasterKeys>;
  clock: Clock;
  /** Told of what was given up without harm to the caller. */
  dropped: (error: unknown) => void;
}

/** Whose call it is. */
export interface Caller {
  clientId: string;
  keyId: string;
  /** The account that a caller in Linked API's protocol named by its token. */
  accountId?: string;
}

/** A call's headers, their names in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** UNAUTHENTICATED, with what a dialect's own error says; the native API tells each caller the same. */
export class Unauthenticated extends Failure<"UNAUTHENTICATED"> {
  readonly lacks: AuthFailure;

  constructor(lacks: AuthFailure) {
    super(
      "UNAUTHENTICATED",
      lacks.credential === "key" ? "no valid API key" : "no valid account token",
    );
    this.lacks = lacks;
  }
}

export interface AuthFailure {
  credential: "key" | "account";
  /** Sent, and not right; else it was not sent. */
  wasSent: boolean;
}

interface ApiKey {
  keyId: string;
  secret: string;
}

const API_KEY = /^ackwire_([A-Za-z0-9]{1,64})_([A-Za-z0-9]{1,256})$/;
const TOUCH_EVERY_MS = 60 * 60 * 1000;

/**
 * Who calls, by the headers of the API's own protocol or of a dialect.
 *
 * @throws UNAUTHENTICATED, the same for each cause but those of `LackingProof`; DEPENDENCY_DOWN
 */
export function makeAuthenticate(deps: AuthenticateDeps) {
  async function callerBy(sent: string | undefined, { keyId, secret }: ApiKey): Promise<Caller> {
    const key = keyId === "" ? undefined : await deps.keys.find(keyId);
    const isRight = equalSecrets(sha256Hex(secret), key?.secretSha256 ?? "");
    if (!key || !isRight || key.revokedAt !== undefined) {
      throw new Unauthenticated({ credential: "key", wasSent: Boolean(sent) });
    }
    await touch(deps, key);
    return { clientId: key.clientId, keyId };
  }

  async function accountBy(token: string | undefined, clientId: string): Promise<string> {
    if (!token) throw new Unauthenticated({ credential: "account", wasSent: false });
    const keyId = identifiedWith(token);
    const accountId =
      keyId === "" ? undefined : identifiedAccount(await deps.masterKeys(keyId), clientId, token);
    if (accountId === undefined)
      throw new Unauthenticated({ credential: "account", wasSent: true });
    return accountId;
  }

  return async (
    { dialect, needsAccount }: Pick<Operation, "dialect" | "needsAccount">,
    headers: Headers,
  ): Promise<Caller> => {
    switch (dialect ?? "native") {
      case "native": {
        const [, sent] = /^bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
        return callerBy(sent, readApiKey(sent));
      }
      case "we-link": {
        const { "x-api-key": keyId, "x-api-secret": secret } = headers;
        return callerBy(keyId && secret, readApiKey(`ackwire_${keyId}_${secret}`));
      }
      case "linked-api": {
        const token = headers["linked-api-token"];
        const caller = await callerBy(token, readApiKey(token));
        if (needsAccount === false) return caller;
        const accountId = await accountBy(headers["identification-token"], caller.clientId);
        return { ...caller, accountId };
      }
    }
  };
}

function readApiKey(text: string | undefined): ApiKey {
  const [, keyId = "", secret = ""] = API_KEY.exec(text ?? "") ?? [];
  return { keyId, secret };
}

async function touch({ keys, clock, dropped }: AuthenticateDeps, key: ApiKeyItem): Promise<void> {
  const nowMs = clock.businessMs();
  const usedMs = key.lastUsedAt === undefined ? 0 : Date.parse(key.lastUsedAt);
  if (nowMs - usedMs < TOUCH_EVERY_MS) return;
  // The call matters, the note of it does not.
  await keys.touch(key.keyId, new Date(nowMs).toISOString()).catch(dropped);
}
