import type { WebhookItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { MasterKeys } from "../master-keys.ts";

/** With the key of that name among them, if there is one. @throws DEPENDENCY_DOWN */
export type ReadMasterKeys = (keyId: string) => Promise<MasterKeys>;

/**
 * The master keys, that of each of these secrets among them.
 *
 * @throws DEPENDENCY_DOWN where one is gone: it comes back, or the secret is rotated
 */
export async function masterKeysOf(
  secrets: WebhookItem["secrets"],
  read: ReadMasterKeys,
): Promise<MasterKeys> {
  let master: MasterKeys | undefined;
  for (const { masterKeyId } of secrets) {
    master = await read(masterKeyId);
    if (!master.keys.has(masterKeyId)) {
      throw new Failure(
        "DEPENDENCY_DOWN",
        `the master secret has no key ${masterKeyId}, which signs: put it back, or rotate the webhook's secret`,
      );
    }
  }
  if (!master) throw new Failure("DEPENDENCY_DOWN", "the webhook has no secret that is valid");
  return master;
}
