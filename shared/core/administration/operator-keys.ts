import { configKey, OPERATORS, type OperatorKeyItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { OperatorScope } from "../../contracts/http/operator/operation.ts";
import { toIso } from "../clock.ts";
import { sha256Hex } from "../crypto/digest.ts";
import type { PageOf } from "../input/cursor.ts";
import type { AdministrationDeps } from "./ports.ts";

/** An operator key without its secret. */
export type OperatorKeyView = Pick<
  OperatorKeyItem,
  "keyId" | "name" | "scope" | "createdAt" | "expiresAt" | "revokedAt" | "lastUsedAt"
>;

/** The use cases on operator keys. */
export function makeOperatorKeys(deps: Pick<AdministrationDeps, "store" | "clock" | "randomHex">) {
  const { store, clock, randomHex } = deps;
  const nowIso = () => toIso(clock.businessMs());

  return {
    /** Only its digest is stored: the result is the only place where the key appears. */
    async createOperatorKey(of: {
      name: string;
      scope: OperatorScope;
      expiresAt?: string | undefined;
    }): Promise<OperatorKeyView & { operatorKey: string }> {
      const keyId = `op${randomHex(8)}`;
      const secret = randomHex(32);
      const item: OperatorKeyItem = {
        pk: configKey.operatorKey(keyId),
        clientId: OPERATORS,
        keyId,
        name: of.name,
        scope: of.scope,
        secretSha256: sha256Hex(secret),
        createdAt: nowIso(),
        ...(of.expiresAt === undefined ? {} : { expiresAt: of.expiresAt }),
      };
      await store.create(item);
      return { ...viewOf(item), operatorKey: `ackwire_op_${keyId}_${secret}` };
    },

    listOperatorKeys: async (page?: PageOf): Promise<OperatorKeyView[]> =>
      (await store.operatorKeys(page)).map(viewOf),

    /** @throws NOT_FOUND */
    async revokeOperatorKey(keyId: string): Promise<OperatorKeyView> {
      const isRevoked = await store.revokeOperatorKey(keyId, nowIso());
      const item = isRevoked ? await store.operatorKey(keyId) : undefined;
      if (item) return viewOf(item);
      throw new Failure("NOT_FOUND", `there is no operator key ${keyId}`);
    },
  };
}

function viewOf(item: OperatorKeyItem): OperatorKeyView {
  const { keyId, name, scope, createdAt, expiresAt, revokedAt, lastUsedAt } = item;
  return { keyId, name, scope, createdAt, expiresAt, revokedAt, lastUsedAt };
}
