import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import {
  type AccountItem,
  type ApiKeyItem,
  accountItem,
  apiKeyItem,
  type ConnectionItem,
  configKey,
  connectionItem,
  type RecurringItem,
  recurringItem,
} from "../../../shared/contracts/config-items.ts";

/** Every member, the optional ones too: one that is added must be sampled. */
type Whole<Item> = { [Member in keyof Item]-?: Exclude<Item[Member], undefined> };

const clientId = "cl_form";
const connectionId = "cn_form";
const createdAt = "2026-06-25T12:00:00.000Z";
const common = { clientId, createdAt };
const account = { connectionId, accountId: "account", provider: "we-link" } as const;

const key: Whole<ApiKeyItem> = {
  ...{ ...common, pk: configKey.apiKey("k_form"), keyId: "k_form", secretSha256: "digest" },
  ...{ revokedAt: createdAt, lastUsedAt: createdAt },
  ...{ scopes: ["read"], expiresAt: createdAt },
};
const connection: Whole<ConnectionItem> = {
  ...{ ...common, pk: configKey.connection(connectionId), connectionId, provider: "we-link" },
  tokens: [{ sha256: "digest", validUntil: createdAt }],
  sealedSecrets: "v1.k1.sealed",
  settings: {
    ...{ status: "paused", signature: "quarantine", hashForms: ["raw"] },
    ...{ allowUnboundJwt: true, verifyByFetch: true },
  },
  pausedBecause: "CREDENTIALS_REFUSED",
  refused: { count: 1, since: createdAt, lastAt: createdAt, addresses: ["192.0.2.1"] },
  settledForm: { form: "raw", encoding: "js" },
  version: 1,
};
const registered: Whole<AccountItem> = {
  ...{ ...common, ...account, pk: configKey.account(connectionId, "account") },
  version: 1,
  sealedIdentificationToken: "v1.k1.sealed",
  tokenStoredRealMs: 1,
  pace: { minSeconds: 1, maxSeconds: 2 },
  preset: "careful",
  limits: [{ category: "other", per: "day", max: 1, isEnabled: true }],
  hours: { timeZone: "Europe/Berlin", days: ["mon"], from: "09:00", to: "18:00" },
  warmUp: { days: 1, from: 0.5 },
};
const recurring: Whole<RecurringItem> = {
  ...{ ...common, ...account, pk: configKey.recurring(clientId, "weekly") },
  ...{ recurringId: "weekly", action: "connect", group: "spring", isHigh: true, params: "{}" },
  every: { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" },
  ...{ status: "active", changedAt: createdAt, version: 1 },
};

const samples = [
  [key, apiKeyItem],
  [connection, connectionItem],
  [registered, accountItem],
  [recurring, recurringItem],
] as const;

interface ConfigTable {
  client: DynamoDBDocumentClient;
  tableName: string;
}

/** Writes an item of every kind that the administration writes, except webhooks. */
export async function writeSampleConfig({ client, tableName }: ConfigTable): Promise<void> {
  for (const [Item] of samples) {
    await client.send(new PutCommand({ TableName: tableName, Item }));
  }
}

/** What this version reads of them. */
export async function readSampleConfig({ client, tableName }: ConfigTable): Promise<unknown[]> {
  return Promise.all(
    samples.map(async ([{ pk }, schema]) => {
      const get = new GetCommand({ TableName: tableName, Key: { pk } });
      return schema.parse((await client.send(get)).Item);
    }),
  );
}
