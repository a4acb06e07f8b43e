import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { accountItem, configKey } from "../../contracts/config-items.ts";
import { ACCOUNT_CACHE_MS } from "../../contracts/limits.ts";
import type { AccountReader, KnownAccount } from "../../core/connections/ports.ts";
import { sealedWith, unseal } from "../../core/crypto/master-keys.ts";
import { callDependency } from "../dependency-down.ts";
import { readDeadline } from "../read-deadline.ts";
import type { MasterKeyReader } from "../secrets-manager-master-keys.ts";

/** Most accounts that one function keeps in memory. */
const CACHE_LIMIT = 10_000;

/** Accounts of the config table. Each one, also a missing one, is remembered for a minute: one read per account, not per event. */
export function makeDynamoAccounts(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  masterKeys: MasterKeyReader;
  /** Business time. */
  nowMs: () => number;
}): AccountReader {
  const remembered = new Map<string, { account: KnownAccount | undefined; readAtMs: number }>();

  async function load(pk: string): Promise<KnownAccount | undefined> {
    const get = new GetCommand({
      TableName: options.tableName,
      Key: { pk },
      ConsistentRead: true,
    });
    const { Item } = await callDependency("DynamoDB GetItem", () => options.client.send(get));
    if (Item === undefined) return undefined;
    const item = accountItem.parse(Item);
    const { sealedIdentificationToken: sealed, pace, preset, limits, hours, warmUp } = item;
    const account: KnownAccount = { pace, preset, limits, hours, warmUp };
    if (sealed === undefined) return account;
    const masterKeys = await options.masterKeys(readDeadline(), sealedWith(sealed));
    return callDependency("opening the account's token", async () => ({
      ...account,
      identificationToken: unseal(masterKeys, pk, sealed),
    }));
  }

  async function remember(pk: string): Promise<KnownAccount | undefined> {
    // From before the read: what is read is never taken for newer than it is.
    const readAtMs = options.nowMs();
    const account = await load(pk);
    if (remembered.size >= CACHE_LIMIT) remembered.clear();
    remembered.set(pk, { account, readAtMs });
    return account;
  }

  return {
    async find(connectionId, accountId) {
      const pk = configKey.account(connectionId, accountId);
      const found = remembered.get(pk);
      const isFresh = found && options.nowMs() - found.readAtMs < ACCOUNT_CACHE_MS;
      return isFresh ? found.account : remember(pk);
    },
    findUncached: (connectionId, accountId) => remember(configKey.account(connectionId, accountId)),
  };
}
