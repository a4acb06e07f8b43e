import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { expect } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import type { RunOptions } from "../../../local/run/run.ts";
import type { Behaviour } from "../../../local/simulator/behaviour.ts";
import type { Submission } from "../../../local/simulator/submissions.ts";
import { readRequestItem, requestItem } from "../../../shared/adapters/dynamo/request-item.ts";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { RequestStatus } from "../../../shared/contracts/statuses.ts";
import type { RequestView } from "../../../shared/core/requests/state/request-view.ts";
import { attachBusConsumer, type BusMessage } from "../fakes/bus-consumer.ts";
import { callWaitOptions, waitOptions } from "../wait-timeout.ts";
import { type ApiCall, callApi } from "./call-api.ts";
import { startTestRun } from "./local-run.ts";

/** A request as the API shows it: its result parsed. */
export type ShownRequest = Omit<RequestView, "result" | "lateResult"> & {
  result?: unknown;
  lateResult?: unknown;
};

export interface ApiAnswer<Body = Record<string, unknown>> {
  status: number;
  text: string;
  body: Body;
}

type Headers = Record<string, string>;

export interface NewRequest {
  provider?: ProviderId;
  accountId: string;
  action: string;
  params?: object;
  scheduled?: string;
  connectionId?: string;
}

export type RequestsRun = Awaited<ReturnType<typeof startRequestsRun>>;

/** A local run with the simulator behind it, called as clients call it, and a consumer of all events on the bus. */
export async function startRequestsRun(options: {
  speed: number;
  settings?: Record<string, string>;
  dataDir?: string;
  otlpUrl?: string;
  synthesise?: NonNullable<RunOptions["synthesise"]>;
}) {
  const run = await startTestRun(options);
  const { apiUrl, awsUrl, providerUrl } = run.addresses;
  const { keyId, keySecret, apiKey } = run.seed;
  const consumer = await attachBusConsumer({ awsUrl, busName: run.outputs.BusName ?? "" });
  const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(localAws(awsUrl)));
  const answers: string[] = [];

  let isClosed = false;
  const listening = (async () => {
    while (!isClosed) await consumer.collect(0, 0);
  })();

  async function call<Body>(url: string, of: ApiCall): Promise<ApiAnswer<Body>> {
    const { status, text } = await callApi(url, of);
    answers.push(text);
    return { status, text, body: JSON.parse(text || "null") as Body };
  }

  /** Our own API. */
  const native = <Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Headers = {},
  ) =>
    call<Body>(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...headers },
      body,
    });

  const get = async (requestId: string): Promise<ShownRequest> =>
    (await native<ShownRequest>("GET", `/v1/requests/${requestId}`)).body;

  async function submissions(accountId?: string): Promise<Submission[]> {
    const { body } = await call<{ submissions: Submission[] }>(
      `${providerUrl}/_control/submissions`,
      { method: "GET" },
    );
    return body.submissions.filter((one) => [one.accountId, undefined].includes(accountId));
  }

  const keyOf = (requestId: string) => ({ lane: requestId.slice(3, 27), id: requestId });

  /** The request as it is stored. */
  async function stored(requestId: string): Promise<Record<string, unknown>> {
    const { RequestsTableName: TableName } = run.outputs;
    const Key = keyOf(requestId);
    const { Item } = await dynamo.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    return Item ? { ...Item, ...readRequestItem(Item).request } : {};
  }

  return {
    run,
    native,
    get,
    submissions,
    received: consumer.received,
    /** Every answer that a client was given, as text. */
    answers,
    businessMs: run.clock.now,

    /** As a client of We-Link's that was pointed here. */
    weLink: <Body = Record<string, unknown>>(
      action: string,
      body: unknown,
      headers: Headers = {},
    ) =>
      call<Body>(`${apiUrl}/api/v1/${action}`, {
        method: "POST",
        headers: { "x-api-key": keyId, "x-api-secret": keySecret, ...headers },
        body,
        isRepeatable: action === "get_response" || undefined,
      }),

    /** As a client of Linked API's that was pointed here, for its first account. */
    linkedApi: <Body = Record<string, unknown>>(method: string, path: string, body?: unknown) => {
      const account = run.seed.accounts.find(({ identificationToken }) => identificationToken);
      return call<Body>(`${apiUrl}${path}`, {
        method,
        headers: {
          "linked-api-token": apiKey,
          "identification-token": account?.identificationToken ?? "",
        },
        body,
      });
    },

    /** A request by our own API, with an idempotency key. */
    async request(
      of: NewRequest,
      headers: Headers = { "idempotency-key": randomUUID() },
    ): Promise<ApiAnswer<ShownRequest>> {
      const body = { provider: "we-link", params: {}, ...of };
      return native<ShownRequest>("POST", "/v1/requests", body, headers);
    },

    /** Waits until a request has this status. */
    async reaches(requestId: string, status: RequestStatus): Promise<ShownRequest> {
      let last: ShownRequest | undefined;
      const look = async () => {
        last = await get(requestId);
        return last.status;
      };
      await expect.poll(look, callWaitOptions).toBe(status);
      if (!last) throw new Error("no request");
      return last;
    },

    /** Waits until the bus has delivered an event of this type for the request. */
    async event(requestId: string, type: string): Promise<BusMessage["detail"]> {
      const find = () =>
        consumer.received.find(
          ({ detail }) => detail.type === type && detail.data.requestId === requestId,
        );
      await expect.poll(find, waitOptions).toBeDefined();
      const found = find();
      if (!found) throw new Error("no event");
      return found.detail;
    },

    stored,

    /** Sets the times of a request that waits in its lane back, as if it had waited for so long. */
    async ageBy(requestId: string, ms: number): Promise<void> {
      // Otherwise the worker that publishes its events would write the old times again.
      const isQuiet = async () => {
        const { status, outbox } = await stored(requestId);
        return status === "QUEUED" && (outbox as unknown[]).length === 0;
      };
      await expect.poll(isQuiet, callWaitOptions).toBe(true);
      const { request } = readRequestItem(await stored(requestId));
      const { joinedMs = 0, dueMs = 0 } = request;
      const aged = { ...request, joinedMs: joinedMs - ms, dueMs: dueMs - ms };
      await dynamo.send(
        new PutCommand({
          TableName: run.outputs.RequestsTableName,
          Item: requestItem(aged, randomUUID()),
          ConditionExpression: "version = :read",
          ExpressionAttributeValues: { ":read": request.version },
        }),
      );
    },

    /** How the simulated providers behave from now on; the default is success. */
    async behave(behaviour: Partial<Behaviour>): Promise<void> {
      const url = `${providerUrl}/_control/behaviour`;
      const { status } = await call(url, { method: "PUT", body: behaviour });
      expect(status).toBe(200);
    },

    async close(): Promise<void> {
      isClosed = true;
      await listening;
      dynamo.destroy();
      await run.close();
    },
  };
}
