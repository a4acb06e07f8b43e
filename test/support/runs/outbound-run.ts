import { vi } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import { simulatedIdentificationToken } from "../../../local/simulator/identification-token.ts";
import { composeAdministration } from "../../../shared/composition/administration.ts";
import type { DeliveryView } from "../../../shared/contracts/http/deliveries.ts";
import type { WebhookView } from "../../../shared/contracts/http/webhooks.ts";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { JsonObject } from "../../../shared/core/json/json.ts";
import { deliver } from "../fakes/sender.ts";
import { startWebhookReceiver } from "../fakes/webhook-receiver.ts";
import { callWaitOptions } from "../wait-timeout.ts";
import { type ApiCall, callApi } from "./call-api.ts";
import { signed } from "./inbound-run.ts";
import { startTestRun } from "./local-run.ts";
import type { ShownRequest } from "./requests-run.ts";

export interface Answered<Body> {
  status: number;
  body: Body;
}

export type Registered = WebhookView & { secret: string };

export type OutboundRun = Awaited<ReturnType<typeof startOutboundRun>>;
export type Client = Awaited<ReturnType<OutboundRun["newClient"]>>;

/** The simulator causes no event of its own during a test. */
const stillSettings = {
  consumeMaxConcurrency: "2",
  submitMaxConcurrency: "2",
  firstPollSeconds: "31536000",
  laneHoldSeconds: "31536000",
  paceMinSeconds: "0",
  paceMaxSeconds: "0",
  requestRetentionDays: "3650",
  dedupeRetentionDays: "365",
  deliveryRetentionDays: "3650",
};

const A_YEAR_MS = 365 * 86_400_000;

/**
 * A local run with a receiver of webhooks and clients to order, each with a
 * webhook of its own: so the scenarios of several clients run concurrently.
 */
export async function startOutboundRun(options: {
  speed: number;
  settings?: Record<string, string>;
}) {
  const run = await startTestRun({
    ...options,
    settings: { ...stillSettings, ...options.settings },
  });
  const { awsUrl, apiUrl } = run.addresses;
  const { outputs } = run;
  const administration = await composeAdministration({
    aws: localAws(awsUrl),
    outputs,
    nowMs: run.clock.now,
  });
  const receiver = await startWebhookReceiver();
  // The simulator sends no webhook of its own during a test.
  await fetch(`${run.addresses.providerUrl}/_control/behaviour`, {
    method: "PUT",
    body: JSON.stringify({ delayMs: [A_YEAR_MS, A_YEAR_MS] }),
  });

  async function call<Body>(path: string, of: ApiCall): Promise<Answered<Body>> {
    const { status, text } = await callApi(`${apiUrl}${path}`, of);
    if (status >= 500) throw new Error(`${path} was answered ${status}`);
    return { status, body: JSON.parse(text || "null") as Body };
  }

  /**
   * A client with a connection and an account at each provider. Its requests go
   * to the simulator; a test sends the webhooks of their outcomes with
   * `sendWebhook`.
   */
  async function newClient(name: string) {
    const { clientId } = await administration.createClient(name);
    const key = await administration.createApiKey(clientId);
    const accountId = `account-${name}`;

    async function connect(provider: ProviderId) {
      const isWeLink = provider === "we-link";
      const secret = `secret of ${name}`;
      const { connectionId, inboundPath } = await administration.createConnection({
        clientId,
        provider,
        webhookSecret: isWeLink ? secret : undefined,
        credentials: isWeLink
          ? { "x-api-key": "simulated", "x-api-secret": "simulated" }
          : { "linked-api-token": "simulated" },
      });
      const identificationToken = isWeLink ? undefined : simulatedIdentificationToken(accountId);
      await administration.addAccount({ clientId, connectionId, accountId, identificationToken });
      const sendWebhook = async (body: JsonObject) => {
        const text = isWeLink ? signed(body, secret) : JSON.stringify(body);
        const attempts = await deliver(`${apiUrl}${inboundPath}`, text);
        if (attempts.at(-1)?.status !== 200) throw new Error(`${provider}'s webhook was not acked`);
      };
      return { connectionId, sendWebhook };
    }
    const connections = {
      "linked-api": await connect("linked-api"),
      "we-link": await connect("we-link"),
    };

    /** Our own API. */
    const native = <Body = JsonObject>(method: string, path: string, body?: unknown) =>
      call<Body>(path, { method, headers: { authorization: `Bearer ${key.apiKey}` }, body });
    const get = async <Body>(path: string): Promise<Body> => {
      const { status, body } = await native<Body>("GET", path);
      if (status !== 200) throw new Error(`${path} was answered ${status}`);
      return body;
    };
    const deliveries = async () =>
      (await get<{ items: DeliveryView[] }>("/v1/deliveries?limit=100")).items;

    return {
      clientId,
      accountId,
      connections,
      native,

      /** As a client of Linked API's that was pointed here. */
      linkedApi: <Body = JsonObject>(method: string, path: string, body?: unknown) =>
        call<Body>(path, {
          method,
          headers: {
            "linked-api-token": key.apiKey,
            "identification-token": administration.identificationToken({ clientId, accountId }),
          },
          body,
          isRepeatable: path === "/admin/webhook.set" || undefined,
        }),

      /** As a client of We-Link's that was pointed here. */
      weLink: <Body = JsonObject>(action: string, body: unknown) =>
        call<Body>(`/api/v1/${action}`, {
          method: "POST",
          headers: { "x-api-key": key.keyId, "x-api-secret": key.secret },
          body,
        }),

      /** Sends a webhook of the provider for this client, repeatedly until it is acked. */
      sendWebhook: (provider: keyof typeof connections, body: JsonObject) =>
        connections[provider].sendWebhook(body),

      async register(of: JsonObject): Promise<Registered> {
        const { status, body } = await native<Registered>("PUT", "/v1/webhook", of);
        // 200: a call that was answered 503 on a busy machine had taken effect.
        if (status !== 201 && status !== 200)
          throw new Error(`PUT /v1/webhook was answered ${status}`);
        return body;
      },

      deliveries,
      delivery: (id: string) => get<DeliveryView>(`/v1/deliveries/${id}`),

      /**
       * Returns the delivery of an event when it has this status, by default `delivered`.
       *
       * @param of.seen called with the delivery at each read
       */
      async deliveryOf(
        eventId: string,
        of: { status?: DeliveryView["status"]; seen?: (delivery: DeliveryView) => void } = {},
      ): Promise<DeliveryView> {
        const { status = "delivered", seen } = of;
        return vi.waitFor(async () => {
          const found = (await deliveries()).find((one) => one.eventId === eventId);
          if (found) seen?.(found);
          if (found?.status === status) return get<DeliveryView>(`/v1/deliveries/${found.id}`);
          throw new Error(`The delivery of ${eventId} is ${found?.status}, not ${status}`);
        }, callWaitOptions);
      },

      /** Waits until no delivery to its webhook is in progress. */
      async settled(): Promise<void> {
        await vi.waitFor(async () => {
          const underWay = (await deliveries()).filter(({ status }) => isUnderWay(status));
          if (underWay.length > 0) throw new Error(`${underWay.length} deliveries are under way`);
        }, callWaitOptions);
      },

      /** Returns a request when its provider has accepted it. */
      async submitted(requestId: string): Promise<ShownRequest & { providerRequestId: string }> {
        return vi.waitFor(async () => {
          const request = await get<ShownRequest>(`/v1/requests/${requestId}`);
          const { providerRequestId } = request;
          if (providerRequestId !== undefined) return { ...request, providerRequestId };
          throw new Error(`The request is ${request.status}`);
        }, callWaitOptions);
      },
    };
  }

  return {
    run,
    receiver,
    newClient,
    /** In the provider's format. */
    businessNow: () => new Date(run.clock.now()).toISOString(),
    async close(): Promise<void> {
      await run.close();
      await receiver.close();
    },
  };
}

const isUnderWay = (status: DeliveryView["status"]) =>
  status === "waiting" || status === "delivering";
