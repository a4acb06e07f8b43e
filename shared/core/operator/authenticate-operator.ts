import type { OperatorKeyItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import {
  type OperatorOperation,
  type OperatorScope,
  operatorScopes,
} from "../../contracts/http/operator/operation.ts";
import { isValidAt } from "../administration/key-end.ts";
import type { Headers } from "../api/authentication/authenticate.ts";
import {
  isPortalToken,
  portalKeyIdOf,
  readPortalToken,
} from "../api/authentication/portal-token.ts";
import type { Clock } from "../clock.ts";
import { equalSecrets, sha256Hex } from "../crypto/digest.ts";
import type { MasterKeys } from "../crypto/master-keys.ts";

/** Who calls the operator API. */
export type OperatorCaller =
  | { kind: "operator"; keyId: string; name: string; scope: OperatorScope; expiresMs?: number }
  | { kind: "portal"; clientId: string; expiresMs: number };

export interface OperatorKeys {
  /** Returns the key; it may be some seconds old. @throws DEPENDENCY_DOWN */
  find(keyId: string): Promise<OperatorKeyItem | undefined>;
  /** Stores when a key was used. Idempotent. @throws DEPENDENCY_DOWN */
  recordUse(keyId: string, usedAt: string): Promise<void>;
}

export interface AuthenticateOperatorDeps {
  operatorKeys: OperatorKeys;
  /** Returns the master keys, including `keyId` where it exists. @throws DEPENDENCY_DOWN */
  masterKeys: (keyId?: string) => Promise<MasterKeys>;
  clock: Clock;
  /** Called with errors that do not fail the call. */
  onNonFatalError: (error: unknown) => void;
}

const OPERATOR_KEY = /^ackwire_op_([A-Za-z0-9]{1,64})_([A-Za-z0-9]{1,256})$/;

/** At most one write of a key in this time. */
const RECORD_USE_EVERY_MS = 5 * 60 * 1_000;

/**
 * Authenticates a caller by an operator key or the token of a portal link.
 *
 * @throws UNAUTHENTICATED, with the same message for a key that is unknown, wrong, revoked or
 *   expired; DEPENDENCY_DOWN
 */
export function makeAuthenticateOperator(deps: AuthenticateOperatorDeps) {
  const { operatorKeys, clock } = deps;

  async function recordUse({ keyId, lastUsedAt }: OperatorKeyItem): Promise<void> {
    const nowMs = clock.businessMs();
    if (nowMs - Date.parse(lastUsedAt ?? "1970-01-01T00:00:00Z") < RECORD_USE_EVERY_MS) return;
    await operatorKeys.recordUse(keyId, new Date(nowMs).toISOString()).catch(deps.onNonFatalError);
  }

  async function byKey(text: string): Promise<OperatorCaller> {
    const [, keyId = "", secret = ""] = OPERATOR_KEY.exec(text) ?? [];
    const key = keyId === "" ? undefined : await operatorKeys.find(keyId);
    const isRight = equalSecrets(sha256Hex(secret), key?.secretSha256 ?? "");
    if (!key || !isRight || !isValidAt(key, clock.businessMs())) {
      throw unauthenticated("the operator key is unknown, incomplete, revoked or expired");
    }
    await recordUse(key);
    const { name, scope, expiresAt } = key;
    const expires = expiresAt === undefined ? {} : { expiresMs: Date.parse(expiresAt) };
    return { kind: "operator", keyId, name, scope, ...expires };
  }

  async function byPortalToken(token: string): Promise<OperatorCaller> {
    const master = await deps.masterKeys(portalKeyIdOf(token));
    const read = readPortalToken(master, token, clock.realMs());
    if (read) return { kind: "portal", ...read };
    throw unauthenticated("the portal link is not valid, or its 15 minutes are over");
  }

  return async (headers: Headers): Promise<OperatorCaller> => {
    const [, text] = /^bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
    if (text === undefined) {
      throw unauthenticated("no operator key: send it as Authorization: Bearer <operator key>");
    }
    if (isPortalToken(text)) return byPortalToken(text);
    if (OPERATOR_KEY.test(text)) return byKey(text);
    throw unauthenticated(
      "this is no operator key: it has the form ackwire_op_<key id>_<secret>, as it was shown once",
    );
  };
}

/**
 * Checks what a caller may do.
 *
 * @throws FORBIDDEN when the key's scope is too small, or the operation is not one of the portal
 */
export function requireOperatorScope(
  { scope, isInPortal }: Pick<OperatorOperation, "scope" | "isInPortal">,
  caller: OperatorCaller,
): void {
  if (caller.kind === "portal") {
    if (isInPortal) return;
    throw new Failure("FORBIDDEN", "a portal link may not do this");
  }
  if (operatorScopes.indexOf(caller.scope) >= operatorScopes.indexOf(scope)) return;
  throw new Failure(
    "FORBIDDEN",
    `the operator key has the scope ${caller.scope}, and this call needs ${scope}`,
  );
}

const unauthenticated = (message: string) => new Failure("UNAUTHENTICATED", message);
