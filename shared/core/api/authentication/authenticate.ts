import type { ApiKeyItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { Operation } from "../../../contracts/http/operations.ts";
import { type ProviderId, providerPacks } from "../../../contracts/providers.ts";
import { accountIdOfToken, masterKeyIdOf } from "../../administration/identification-token.ts";
import type { Clock } from "../../clock.ts";
import { equalSecrets, sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import type { AuthFailure, DialectCredential } from "../../providers/dialect.ts";

export interface ApiKeys {
  /** Returns the key; it may be some seconds old. @throws DEPENDENCY_DOWN */
  find(keyId: string): Promise<ApiKeyItem | undefined>;
  /** Stores when a key was used. Idempotent. @throws DEPENDENCY_DOWN */
  recordUse(keyId: string, usedAt: string): Promise<void>;
}

export interface AuthenticateDeps {
  keys: ApiKeys;
  /** Returns the master keys, including `keyId` where it exists. @throws DEPENDENCY_DOWN */
  masterKeys: (keyId: string) => Promise<MasterKeys>;
  clock: Clock;
  /** Called with errors that do not fail the call. */
  onIgnoredError: (error: unknown) => void;
}

/** The authenticated caller. */
export interface Caller {
  clientId: string;
  keyId: string;
  /** The account that the caller named by a token, where the protocol has one. */
  accountId?: string;
}

/** The headers of a call; names in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** Failed authentication. A dialect's error may say why; Ackwire's own API answers the same for each cause. */
export class Unauthenticated extends Failure<"UNAUTHENTICATED"> {
  readonly authFailure: AuthFailure;

  constructor(authFailure: AuthFailure) {
    const isKey = authFailure.credential === "key";
    super("UNAUTHENTICATED", isKey ? "no valid API key" : "no valid account token");
    this.authFailure = authFailure;
  }
}

interface ApiKey {
  keyId: string;
  secret: string;
}

const API_KEY = /^ackwire_([A-Za-z0-9]{1,64})_([A-Za-z0-9]{1,256})$/;
const RECORD_USE_EVERY_MS = 60 * 60 * 1000;

/**
 * Authenticates a caller by the headers of Ackwire's own protocol or of a dialect.
 *
 * @throws UNAUTHENTICATED, as `Unauthenticated`; DEPENDENCY_DOWN
 */
export function makeAuthenticate(deps: AuthenticateDeps) {
  async function authenticateKey(
    sent: string | undefined,
    { keyId, secret }: ApiKey,
  ): Promise<Caller> {
    const key = keyId === "" ? undefined : await deps.keys.find(keyId);
    const isRight = equalSecrets(sha256Hex(secret), key?.secretSha256 ?? "");
    if (!key || !isRight || key.revokedAt !== undefined) {
      throw new Unauthenticated({ credential: "key", wasSent: Boolean(sent) });
    }
    await recordUseIfDue(deps, key);
    return { clientId: key.clientId, keyId };
  }

  async function resolveAccountToken(token: string | undefined, clientId: string): Promise<string> {
    if (!token) throw new Unauthenticated({ credential: "account", wasSent: false });
    const keyId = masterKeyIdOf(token);
    const accountId =
      keyId === "" ? undefined : accountIdOfToken(await deps.masterKeys(keyId), clientId, token);
    if (accountId === undefined)
      throw new Unauthenticated({ credential: "account", wasSent: true });
    return accountId;
  }

  return async (
    { dialect, needsAccount }: Pick<Operation, "dialect" | "needsAccount">,
    headers: Headers,
  ): Promise<Caller> => {
    const sent = credentialsIn(headers, dialect);
    const caller = await authenticateKey(sent.apiKey, parseApiKey(sent.apiKey));
    if (!sent.hasAccountToken || needsAccount === false) return caller;
    return { ...caller, accountId: await resolveAccountToken(sent.accountToken, caller.clientId) };
  };
}

/** The credentials in the headers of Ackwire's own protocol or of a dialect. */
interface SentCredentials {
  /** As `ackwire_<keyId>_<secret>`; absent or empty where it was not sent whole. */
  apiKey: string | undefined;
  /** Whether the protocol has a token that names an account. */
  hasAccountToken: boolean;
  accountToken?: string | undefined;
}

function credentialsIn(headers: Headers, dialect: ProviderId | undefined): SentCredentials {
  if (dialect === undefined) {
    const [, apiKey] = /^bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
    return { apiKey, hasAccountToken: false };
  }
  const { credentials = [] } = providerPacks[dialect].dialect ?? {};
  const headerOf = (holds: DialectCredential["holds"]) =>
    credentials.find((one) => one.holds === holds)?.header;
  const sentAs = (holds: DialectCredential["holds"]) => {
    const header = headerOf(holds);
    return header === undefined ? undefined : headers[header];
  };
  const [keyId, secret] = [sentAs("apiKeyId"), sentAs("apiKeySecret")];
  return {
    apiKey: sentAs("apiKey") ?? (keyId && secret && `ackwire_${keyId}_${secret}`),
    hasAccountToken: headerOf("accountToken") !== undefined,
    accountToken: sentAs("accountToken"),
  };
}

function parseApiKey(text: string | undefined): ApiKey {
  const [, keyId = "", secret = ""] = API_KEY.exec(text ?? "") ?? [];
  return { keyId, secret };
}

async function recordUseIfDue(
  { keys, clock, onIgnoredError }: AuthenticateDeps,
  key: ApiKeyItem,
): Promise<void> {
  const nowMs = clock.businessMs();
  const usedMs = key.lastUsedAt === undefined ? 0 : Date.parse(key.lastUsedAt);
  if (nowMs - usedMs < RECORD_USE_EVERY_MS) return;
  // A failed write must not fail the call: the time of use is informative.
  await keys.recordUse(key.keyId, new Date(nowMs).toISOString()).catch(onIgnoredError);
}
