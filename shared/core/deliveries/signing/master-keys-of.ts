import type { WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";

/** With the key of that name among them, if there is one. @throws DEPENDENCY_DOWN */
export type ReadMasterKeys = (keyId: string) => Promise<MasterKeys>;

/**
 * The master keys, that of the webhook's present secret among them.
 *
 * @throws DEPENDENCY_DOWN where it is gone: it comes back, or the secret is rotated
 */
export async function masterKeysOf(
  { secrets: [present] }: Pick<WebhookItem, "secrets">,
  read: ReadMasterKeys,
): Promise<MasterKeys> {
  const { masterKeyId = "" } = present ?? {};
  const master = await read(masterKeyId);
  if (master.keys.has(masterKeyId)) return master;
  throw new Failure(
    "DEPENDENCY_DOWN",
    `the master secret has no key ${masterKeyId}, which signs: put it back, or rotate the webhook's secret`,
  );
}
