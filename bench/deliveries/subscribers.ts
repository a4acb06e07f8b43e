import type { LocalFile } from "../../local/run/local-file.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import type { DeliveryView } from "../../shared/contracts/http/deliveries.ts";
import type { WebhookView } from "../../shared/contracts/http/webhooks.ts";
import { type Api, forEach, makeApi } from "../run/api.ts";
import type { Behaviour } from "./endpoints.ts";
import type { EndpointsProcess } from "./endpoints-process.ts";

/** A client of its own with one webhook. */
export interface Subscriber {
  /** The number of its endpoint. */
  n: number;
  behaviour: Behaviour;
  clientId: string;
  api: Api;
}

/** Makes a client, a key and a webhook for each of these endpoints; none where there is `undefined`. */
export async function makeSubscribers(
  local: LocalFile,
  endpoints: EndpointsProcess,
  behaviours: readonly (Behaviour | undefined)[],
): Promise<(Subscriber | undefined)[]> {
  const administration = await composeAdministration({
    outputs: local.outputs,
    aws: {
      endpoint: local.awsEndpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
    },
  });
  const subscribers = behaviours.map((): Subscriber | undefined => undefined);
  await forEach(behaviours, 4, async (behaviour, n) => {
    if (behaviour === undefined) return;
    const { clientId } = await administration.createClient(`bench ${n}`);
    const { apiKey } = await administration.createApiKey(clientId);
    const api = makeApi({ ...local, apiKey });
    const { secret } = await api.call<{ secret: string }>("/v1/webhook", {
      method: "PUT",
      body: { url: endpoints.urlOf(n) },
    });
    endpoints.add({ n, behaviour, secret });
    subscribers[n] = { n, behaviour, clientId, api };
  });
  return subscribers;
}

export async function deliveriesOf({ api }: Subscriber): Promise<DeliveryView[]> {
  const all: DeliveryView[] = [];
  for (let cursor = ""; ; ) {
    const page = await api.call<{ items: DeliveryView[]; nextCursor?: string }>(
      `/v1/deliveries?limit=100${cursor}`,
    );
    all.push(...page.items);
    if (page.nextCursor === undefined) return all;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}

export const webhookOf = ({ api }: Subscriber) => api.call<WebhookView>("/v1/webhook");
