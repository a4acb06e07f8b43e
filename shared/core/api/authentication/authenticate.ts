import type { ClientScope } from "../../../contracts/client-scope.ts";
import type { ApiKeyItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import { clientScopeOf } from "../../../contracts/http/operation.ts";
import type { Operation } from "../../../contracts/http/operations.ts";
import { type ProviderId, providerPacks } from "../../../contracts/providers.ts";
import { accountIdOfToken, masterKeyIdOf } from "../../administration/identification-token.ts";
import { isValidAt } from "../../administration/key-end.ts";
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
  masterKeys: (keyId?: string) => Promise<MasterKeys>;
  clock: Clock;
  /** Called with errors that do not fail the call. */
  onNonFatalError: (error: unknown) => void;
}

/** The authenticated caller. */
export interface Caller {
  clientId: string;
  keyId: string;
  /** Absent: every scope. */
  scopes?: readonly ClientScope[] | undefined;
  /** When the key expires (business); absent: never. */
  expiresAt?: string | undefined;
  /** The account that the caller named by a token, where the protocol has one. */
  accountId?: string;
}

/** The headers of a call; names in lower case. */
export type Headers = Readonly<Record<string, string | undefined>>;

/**
 * Failed authentication. The message says what the caller can see itself: which header is
 * missing, or that a key has another form. It is the same for a key that is unknown, wrong
 * or revoked.
 */
export class Unauthenticated extends Failure<"UNAUTHENTICATED"> {
  readonly authFailure: AuthFailure;

  constructor(authFailure: AuthFailure, message: string) {
    super("UNAUTHENTICATED", message);
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
  async function authenticateKey({ apiKey, problem }: SentCredentials): Promise<Caller> {
    const { keyId, secret } = parseApiKey(apiKey);
    const key = keyId === "" ? undefined : await deps.keys.find(keyId);
    const isRight = equalSecrets(sha256Hex(secret), key?.secretSha256 ?? "");
    if (!key || !isRight || !isValidAt(key, deps.clock.businessMs())) {
      const form =
        keyId === "" ? NOT_A_KEY : "the API key is unknown, incomplete, revoked or expired";
      const authFailure = { credential: "key", wasSent: Boolean(apiKey) } as const;
      throw new Unauthenticated(authFailure, problem ?? form);
    }
    await recordUseIfDue(deps, key);
    return { clientId: key.clientId, keyId, scopes: key.scopes, expiresAt: key.expiresAt };
  }

  async function resolveAccountToken(
    { accountToken: token, accountHeader }: SentCredentials,
    clientId: string,
  ): Promise<string> {
    if (!token) {
      const message = `the header ${accountHeader} is missing: it names an account of yours`;
      throw new Unauthenticated({ credential: "account", wasSent: false }, message);
    }
    const keyId = masterKeyIdOf(token);
    const accountId =
      keyId === "" ? undefined : accountIdOfToken(await deps.masterKeys(keyId), clientId, token);
    if (accountId === undefined) {
      const message = `the header ${accountHeader} names no account of this API key's client`;
      throw new Unauthenticated({ credential: "account", wasSent: true }, message);
    }
    return accountId;
  }

  return async (
    { dialect, needsAccount }: Pick<Operation, "dialect" | "needsAccount">,
    headers: Headers,
  ): Promise<Caller> => {
    const sent = credentialsIn(headers, dialect);
    const caller = await authenticateKey(sent);
    if (sent.accountHeader === undefined || needsAccount === false) return caller;
    return { ...caller, accountId: await resolveAccountToken(sent, caller.clientId) };
  };
}

/** Whether a caller's key may change something. */
export function mayWrite({ scopes }: Pick<Caller, "scopes">): boolean {
  return scopes === undefined || scopes.includes("write");
}

/** @throws FORBIDDEN when the caller's key does not have the scope of the operation */
export function requireScope(
  operation: Pick<Operation, "method" | "needsScope">,
  caller: Pick<Caller, "scopes">,
): void {
  const scope = clientScopeOf(operation);
  if (mayWrite(caller) || caller.scopes?.includes(scope)) return;
  throw new Failure("FORBIDDEN", `the API key has no scope ${scope}, which this call needs`);
}

/** The credentials in the headers of Ackwire's own protocol or of a dialect. */
interface SentCredentials {
  /** As `ackwire_<keyId>_<secret>`; absent or empty where it was not sent whole. */
  apiKey: string | undefined;
  /** Why there is no API key. */
  problem: string | undefined;
  /** The header of a token that names an account, where the protocol has one. */
  accountHeader?: string | undefined;
  accountToken?: string | undefined;
}

const SEND_KEY = "send it as Authorization: Bearer <API key>";
const NOT_A_KEY =
  "this is not an API key of Ackwire: it has the form ackwire_<key id>_<secret>, as it was shown once";

function credentialsIn(headers: Headers, dialect: ProviderId | undefined): SentCredentials {
  if (dialect === undefined) {
    const [, apiKey] = /^bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
    return { apiKey, problem: apiKey === undefined ? nativeProblem(headers) : undefined };
  }
  const { credentials = [] } = providerPacks[dialect].dialect ?? {};
  const credentialOf = (holds: DialectCredential["holds"]) =>
    credentials.find((one) => one.holds === holds);
  const sentAs = (holds: DialectCredential["holds"]) => {
    const header = credentialOf(holds)?.header;
    return header === undefined ? undefined : headers[header];
  };
  const [keyId, secret] = [sentAs("apiKeyId"), sentAs("apiKeySecret")];
  const missing = credentials
    .filter(({ holds, header }) => holds !== "accountToken" && !headers[header])
    .map(({ header }) => header);
  return {
    apiKey: sentAs("apiKey") ?? (keyId && secret && `ackwire_${keyId}_${secret}`),
    problem: missing.length > 0 ? `no API key: ${headersAreMissing(missing)}` : undefined,
    accountHeader: credentialOf("accountToken")?.header,
    accountToken: sentAs("accountToken"),
  };
}

function headersAreMissing(names: readonly string[]): string {
  const [only, ...others] = names;
  return others.length === 0
    ? `the header ${only} is missing`
    : `the headers ${names.join(" and ")} are missing`;
}

/** Why the headers of a call to Ackwire's own API have no API key. */
function nativeProblem(headers: Headers): string {
  const { authorization = "" } = headers;
  if (API_KEY.test(authorization.trim())) return `the scheme Bearer is missing: ${SEND_KEY}`;
  if (/^bearer$/i.test(authorization.trim())) return `no API key after Bearer: ${SEND_KEY}`;
  if (/^bearer /i.test(authorization)) return NOT_A_KEY;
  if (authorization !== "") return `Authorization has another scheme than Bearer: ${SEND_KEY}`;
  const other = Object.keys(headers).find(
    (name) => isKeyHeader(name) || API_KEY.test(headers[name]?.trim() ?? ""),
  );
  return other === undefined
    ? `no API key: ${SEND_KEY}`
    : `the API key is not taken from the header ${other}: ${SEND_KEY}`;
}

/** Headers in which other APIs, and the dialects, expect a key. */
function isKeyHeader(name: string): boolean {
  return /^(x-)?(api-?key|api-?token|auth-token|access-token)$/.test(name);
}

function parseApiKey(text: string | undefined): ApiKey {
  const [, keyId = "", secret = ""] = API_KEY.exec(text ?? "") ?? [];
  return { keyId, secret };
}

async function recordUseIfDue(
  { keys, clock, onNonFatalError }: AuthenticateDeps,
  key: ApiKeyItem,
): Promise<void> {
  const nowMs = clock.businessMs();
  const usedMs = key.lastUsedAt === undefined ? 0 : Date.parse(key.lastUsedAt);
  if (nowMs - usedMs < RECORD_USE_EVERY_MS) return;
  // A failed write must not fail the call: the time of use is informative.
  await keys.recordUse(key.keyId, new Date(nowMs).toISOString()).catch(onNonFatalError);
}
