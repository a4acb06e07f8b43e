import { randomBytes } from "node:crypto";
import { type Admin, makeAdmin } from "./admin.ts";
import { type Api, type Json, makeApi } from "./api.ts";
import { attachConsumer, type BusConsumer } from "./bus.ts";
import { openProviderDouble, type ProviderDouble } from "./provider-double.ts";
import { type Receiver, startReceiver } from "./receiver.ts";
import type { Target } from "./target.ts";

export interface Connection {
  connectionId: string;
  inboundUrl: string;
}

export interface Client {
  clientId: string;
  keyId: string;
  api: Api;
}

/** What the cases share: two clients of their own on the target, and what plays the parts around it. */
export interface Scene {
  target: Target;
  admin: Admin;
  /** Makes requests and receives webhooks of both providers. */
  client: Client & { weLink: Connection & { secret: string }; linkedApi: Connection };
  /** Has a webhook, if a receiver can be reached. */
  subscriber: Client & { linkedApi: Connection; webhookSecret: string | undefined };
  /** Gets the events of both clients. */
  bus: BusConsumer;
  /** A text says why there is none. */
  provider: ProviderDouble | string;
  /** A text says why there is none. */
  receiver: Receiver | string;
  /** Ids of accounts that no earlier execution has used. */
  accounts: Readonly<Record<AccountName, string>>;
  close(): Promise<void>;
}

/** Opens the scene, or returns the one that is open. */
export type OpenScene = () => Promise<Scene>;

const accountNames = ["completed", "repeated", "scheduled", "limited", "polled"] as const;
type AccountName = (typeof accountNames)[number];

/** Creates the clients, keys and connections with the admin command and the API, and attaches the consumer. */
export async function openScene(target: Target): Promise<Scene> {
  const opened = new AsyncDisposableStack();
  try {
    return await open(target, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function open(target: Target, opened: AsyncDisposableStack): Promise<Scene> {
  const execution = randomBytes(6).toString("hex");
  const accounts = Object.fromEntries(
    accountNames.map((name) => [name, `acceptance-${name}-${execution}`]),
  ) as Record<AccountName, string>;
  const admin = makeAdmin(target.admin);
  const [client, subscriber] = await Promise.all(
    ["client", "subscriber"].map((name) =>
      createClient(target, admin, `acceptance ${name} ${execution}`, opened),
    ),
  );
  if (client === undefined || subscriber === undefined) throw new Error("no clients");

  const by = { admin, target };
  const secret = randomBytes(16).toString("hex");
  const weLinkOptions = ["we-link", "--webhook-secret-file", "-"];
  const [weLink, linkedApi, subscribersLinkedApi] = await Promise.all([
    createConnection({ ...by, clientId: client.clientId }, weLinkOptions, secret),
    createConnection({ ...by, clientId: client.clientId }, ["linked-api"]),
    createConnection({ ...by, clientId: subscriber.clientId }, ["linked-api"]),
  ]);
  for (const [{ api }, { connectionId }] of [
    [client, weLink],
    [client, linkedApi],
    [subscriber, subscribersLinkedApi],
  ] as const) {
    opened.defer(() => api(`DELETE /v1/connections/${connectionId}`));
  }
  await client.api(`PATCH /v1/connections/${weLink.connectionId}`, {
    body: { credentials: { "x-api-key": "acceptance", "x-api-secret": "acceptance" } },
  });

  const clientIds = [client.clientId, subscriber.clientId];
  const bus = await attachConsumer(target.aws, target.outputs.BusName ?? "", clientIds);
  opened.defer(bus.close);
  const running = Object.values(accounts).filter((account) => account !== accounts.polled);
  const provider =
    typeof target.provider === "string"
      ? target.provider
      : await openProviderDouble(target.provider, running);
  if (typeof provider !== "string") opened.defer(provider.close);
  const receiver =
    typeof target.receiver === "string" ? target.receiver : await startReceiver(target.receiver);
  if (typeof receiver !== "string") opened.defer(receiver.close);
  const webhookSecret =
    typeof receiver === "string" ? undefined : await registerWebhook(subscriber, receiver, opened);

  return {
    ...{ target, admin, bus, provider, receiver, accounts },
    client: { ...client, weLink: { ...weLink, secret }, linkedApi },
    subscriber: { ...subscriber, linkedApi: subscribersLinkedApi, webhookSecret },
    close: () => opened.disposeAsync(),
  };
}

async function createClient(
  target: Target,
  admin: Admin,
  name: string,
  opened: AsyncDisposableStack,
): Promise<Client> {
  const { clientId } = (await admin(["clients", "create", "--name", name])) as Json;
  const { keyId, apiKey } = (await admin(["keys", "create", "--client", clientId])) as Json;
  const api = makeApi(target.apiUrl, apiKey);
  opened.defer(() => api(`DELETE /v1/keys/${keyId}`));
  return { clientId, keyId, api };
}

/** @param options the provider's id and further options of the command */
async function createConnection(
  { admin, target, clientId }: { admin: Admin; target: Target; clientId: string },
  options: readonly string[],
  input?: string,
): Promise<Connection> {
  const args = ["connections", "create", "--client", clientId, "--provider", ...options];
  const { connectionId, inboundUrl } = (await admin(args, input)) as Connection;
  // The target may be reached by another address than the stack's output.
  return { connectionId, inboundUrl: `${target.apiUrl}${new URL(inboundUrl).pathname}` };
}

/** @returns the secret with which its deliveries are signed */
async function registerWebhook(
  { api }: Client,
  { url }: Receiver,
  opened: AsyncDisposableStack,
): Promise<string> {
  const { secret } = await api("PUT /v1/webhook", { body: { url } });
  opened.defer(() => api("DELETE /v1/webhook"));
  return secret;
}
