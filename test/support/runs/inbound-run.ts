import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import { composeAdministration } from "../../../shared/composition/administration.ts";
import type { ConnectionSettings } from "../../../shared/contracts/config-items.ts";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import { attachBusConsumer, type BusMessage } from "../fakes/bus-consumer.ts";
import { callWaitOptions, WAIT_TIMEOUT_MS, waitOptions } from "../wait-timeout.ts";
import { startTestRun } from "./local-run.ts";

/** A connection as its provider knows it: an address and, perhaps, a secret. */
export interface Address {
  clientId: string;
  connectionId: string;
  url: string;
  token: string;
  secret: string;
}

export interface Answer {
  status: number;
  text: string;
  contentType: string | null;
}

export type InboundRun = Awaited<ReturnType<typeof startInboundRun>>;

/** A local run with clients and connections to order, and a consumer of all events on the bus. */
export async function startInboundRun() {
  const run = await startTestRun();
  const { awsUrl, apiUrl } = run.addresses;
  const administration = await composeAdministration({
    aws: localAws(awsUrl),
    outputs: run.outputs,
    nowMs: run.clock.now,
  });
  const consumer = await attachBusConsumer({ awsUrl, busName: run.outputs.BusName ?? "" });
  const sqs = new SQSClient(localAws(awsUrl));

  let isClosed = false;
  let silences = 0;
  const listening = (async () => {
    while (!isClosed) {
      // Ends when a whole second brought nothing.
      await consumer.collect(0, 0);
      silences++;
    }
  })();

  const waiting = async (): Promise<number> => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: run.outputs.InboundQueueUrl,
        AttributeNames: ["ApproximateNumberOfMessages"],
      }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  };

  const asked: { are: (event: BusMessage) => boolean; count: number }[] = [];

  return {
    run,
    apiUrl,
    administration,
    received: consumer.received,

    newClient: async (name: string): Promise<string> =>
      (await administration.createClient(name)).clientId,

    async connect(of: {
      provider: ProviderId;
      clientId?: string;
      secret?: string;
      settings?: Partial<ConnectionSettings>;
    }): Promise<Address> {
      const { provider, settings, clientId = run.seed.clientId } = of;
      const secret = of.secret ?? randomBytes(16).toString("hex");
      const made = await administration.createConnection({
        clientId,
        provider,
        settings,
        // Without credentials nothing can be confirmed.
        ...(settings?.verifyByFetch ? { credentials: { "linked-api-token": "none" } } : {}),
        // Linked API signs only where its client has turned signing on.
        webhookSecret: of.provider === "we-link" ? secret : of.secret,
      });
      const token = made.inboundPath.split("/").at(-1) ?? "";
      const url = `${apiUrl}${made.inboundPath}`;
      return { clientId, connectionId: made.connectionId, url, token, secret };
    },

    /** Waits until the bus has delivered `count` matching events. */
    async events(are: (event: BusMessage) => boolean, count = 1): Promise<BusMessage[]> {
      await expect.poll(() => consumer.received.filter(are).length, waitOptions).toBe(count);
      asked.push({ are, count });
      return consumer.received.filter(are);
    },

    /** Waits until the bus is idle, and checks that it delivered no event twice and no unexpected event. */
    async nothingMore(): Promise<void> {
      await expect.poll(waiting, callWaitOptions).toBe(0);
      const before = silences;
      // The first of them may have begun before.
      await expect.poll(() => silences, waitOptions).toBeGreaterThanOrEqual(before + 2);
      for (const { are, count } of asked) expect(consumer.received.filter(are)).toHaveLength(count);
      const ids = consumer.received.map(({ detail }) => detail.id);
      expect(ids.toSorted()).toEqual([...new Set(ids)].sort());
    },

    async close(): Promise<void> {
      isClosed = true;
      await listening;
      sqs.destroy();
      await run.close();
    },
  };
}

/** Sends a webhook as a provider does: what a busy machine answers 503 is sent again. */
export async function postTo(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Answer> {
  const untilMs = Date.now() + WAIT_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(url, { method: "POST", body: Buffer.from(body), headers });
    const { status } = response;
    const text = await response.text();
    if (status !== 503 || Date.now() > untilMs)
      return { status, text, contentType: response.headers.get("content-type") };
    await sleep(50);
  }
}

/** `hash` as the last member, as in every sample of We-Link's. */
export function withHash(text: string, hash: unknown): string {
  return `${text.slice(0, -1)},"hash":${JSON.stringify(hash)}}`;
}

/** Signs like We-Link's JavaScript sample. Independent of our own code on purpose. */
export function hmacOf(text: string, secret: string, algorithm = "sha256"): string {
  return createHmac(algorithm, secret).update(text).digest("hex");
}

export function signed(body: object | string, secret: string): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return withHash(text, hmacOf(text, secret));
}

/** Events about one request, workflow or account of the provider's. */
export function isAbout(subject: string): (event: BusMessage) => boolean {
  return ({ detail: { data } }) =>
    [data.workflowId, data.accountId, data.providerRequestId].includes(subject);
}
