import { composeAdministration } from "../../shared/composition/administration.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { signAsLinkedApi } from "../../shared/providers/linked-api/signature.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import type { ApiCallMade, SentWebhook } from "./history.ts";
import type {
  Account,
  PersonEvent,
  PlannedRecurring,
  PlannedRequest,
  Workload,
} from "./plan-workload.ts";
import {
  credentials,
  type Job,
  type JobWebhook,
  type SimulatedProvider,
  tokenOf,
} from "./services/provider-form.ts";
import { outputs, START_MS } from "./stack.ts";
import type { World } from "./world.ts";

const WEBHOOK_SECRET = "simulated-webhook-secret";

/** When a provider sends a webhook again that was not answered 2xx, after the attempt before. */
const WEBHOOK_RETRIES_MS = [1_000, 10_000, 60_000, 300_000, 900_000, 3_600_000];

/** How often a client repeats a call that failed, and after how long. */
const CALL_TRIES = 12;
const CALL_RETRY_MS = 2_000;

/** More than an inbound message carries: the body goes to the bucket. */
const LARGE_CHARACTERS = 70_000;

/** What the setup has made. */
interface Made {
  apiKey: string;
  /** By provider. */
  inboundPaths: Readonly<Record<SimulatedProvider, string | undefined>>;
  /** By account. */
  providers: Readonly<Record<string, SimulatedProvider>>;
  signsLinkedApi: boolean;
}

/** A webhook that is sent until it is taken, and how an attempt at a time (seconds) looks. */
interface Webhook extends Pick<SentWebhook, "id" | "providerRequestId" | "isEnd"> {
  provider: SimulatedProvider;
  body: string;
  headersAt?: (seconds: number) => Record<string, string>;
}

/** Makes the client, its connections, accounts and webhook, and plans everything that happens. */
export async function startWorkload(world: World, plan: Workload): Promise<void> {
  const made = await setUp(world, plan);
  world.faults.start();
  planRequests(world, made, plan);
  for (const one of plan.foreign) {
    const text = one.isLarge ? { text: "x".repeat(LARGE_CHARACTERS) } : {};
    const body = { status: "SUCCESS", request_id: one.id, result: { seen: one.id, ...text } };
    const secret = one.isForged ? "another secret" : WEBHOOK_SECRET;
    const webhook = { ...weLinkWebhook(one.id, body, secret), isEnd: true };
    for (const atMs of one.atMs) world.loop.at(atMs, () => void postWebhook(world, made, webhook));
  }
  for (const event of plan.personEvents ?? []) {
    world.loop.at(event.atMs, () => sendOften(world, made, personWebhook(event, made)));
  }
  for (const recurring of plan.recurring ?? []) planRecurring(world, made, recurring);
  const { poisonMs } = plan;
  if (poisonMs !== undefined) world.loop.at(poisonMs, () => world.sqs.send("inbound", "{poison"));
}

const weLinkWebhook = (id: string, body: JsonObject, secret = WEBHOOK_SECRET): Webhook => ({
  ...{ id, providerRequestId: id, isEnd: false, provider: "we-link" },
  body: signWeLink(body, secret),
});

/** Sends a webhook of a job as the provider does; `startWorkload` must have run. */
export function makeSendWebhook(world: () => World, made: () => Made) {
  return ({ provider, providerRequestId }: Job, { body, isEnd }: JobWebhook) => {
    const id = isEnd ? providerRequestId : `${providerRequestId}/started`;
    const one = { ...webhookOf(provider, id, body, made()), providerRequestId, isEnd };
    sendOften(world(), made(), one);
  };
}

/** Sends a webhook until it is taken, now and then two of it. */
function sendOften(world: World, made: Made, webhook: Webhook): void {
  void postWebhook(world, made, webhook);
  if (world.faults.draw("provider.copies", { duplicate: 40 })) {
    const afterMs = world.randomFor(`copy/${webhook.id}`).int(0, 3_000);
    world.loop.after(afterMs, () => void postWebhook(world, made, webhook));
  }
}

/** The URL by which Linked API names a person. */
const urlOf = (person: string) => `https://www.linkedin.com/in/${person}`;

function personWebhook(event: PersonEvent, made: Made): Webhook {
  const { id, accountId, namesAccount, person, type, atMs } = event;
  if (made.providers[accountId] !== "linked-api") {
    const about = { request_id: id, result: { profile_id: person } };
    const account = namesAccount ? { accountId } : {};
    return weLinkWebhook(id, { status: "SUCCESS", event_type: type, ...about, ...account });
  }
  const isReply = type === "MESSAGE_REPLY";
  return webhookOf(
    "linked-api",
    id,
    {
      id,
      type: isReply ? "inbox.messageReceived" : "network.connectionAccepted",
      createdAt: new Date(atMs).toISOString(),
      data: { accountId, personUrl: urlOf(person), ...(isReply ? { text: "hello" } : {}) },
    },
    made,
  );
}

function webhookOf(provider: SimulatedProvider, id: string, body: JsonObject, made: Made): Webhook {
  if (provider === "we-link") return weLinkWebhook(id, body);
  const text = JSON.stringify(body);
  const signed = (timestampSeconds: number) =>
    signAsLinkedApi({ body: text, secret: WEBHOOK_SECRET, timestampSeconds });
  return {
    ...{ id, providerRequestId: id, isEnd: false, provider, body: text },
    ...(made.signsLinkedApi ? { headersAt: signed } : {}),
  };
}

let latest: Made | undefined;

/** What the last setup has made. */
export function madeBySetup(): Made {
  if (!latest) throw new Error("nothing is set up");
  return latest;
}

const providerOf = ({ provider = "we-link" }: Account) => provider;

async function setUp(world: World, plan: Workload): Promise<Made> {
  const administration = await composeAdministration({ aws: {}, outputs });
  const { clientId } = await administration.createClient("simulated");
  const { apiKey } = await administration.createApiKey(clientId);
  const { signsLinkedApi = true } = plan;
  const connections = {
    "we-link": await administration.createConnection({
      clientId,
      provider: "we-link",
      webhookSecret: WEBHOOK_SECRET,
      credentials: credentials["we-link"],
      settings: { allowUnboundJwt: true },
    }),
    ...(plan.accounts.some((account) => providerOf(account) === "linked-api")
      ? {
          "linked-api": await administration.createConnection({
            clientId,
            provider: "linked-api",
            ...(signsLinkedApi ? { webhookSecret: WEBHOOK_SECRET } : {}),
            credentials: credentials["linked-api"],
          }),
        }
      : {}),
  };
  for (const account of plan.accounts) {
    const { accountId } = account;
    const connectionId = connections[providerOf(account)]?.connectionId ?? "";
    const token =
      providerOf(account) === "linked-api" ? { identificationToken: tokenOf(accountId) } : {};
    await administration.addAccount({
      ...{ clientId, connectionId, accountId, preset: "off" as const },
      ...token,
    });
  }
  const made: Made = {
    ...{ apiKey, signsLinkedApi },
    providers: Object.fromEntries(plan.accounts.map((one) => [one.accountId, providerOf(one)])),
    inboundPaths: {
      "we-link": connections["we-link"].inboundPath,
      "linked-api": connections["linked-api"]?.inboundPath,
    },
  };
  // The index by which a client's connections are found is behind.
  await new Promise<void>((resolve) => world.loop.after(1_000, resolve));
  for (const account of plan.accounts) {
    const params = { accountId: account.accountId };
    const body = accountSettings(account);
    await mustSucceed(callApi(world, made, "PUT /v1/accounts/{accountId}", { params, body }));
  }
  const webhook = { url: "https://hooks.example.com/in" };
  await mustSucceed(callApi(world, made, "PUT /v1/webhook", { body: webhook }));
  latest = made;
  return made;
}

async function mustSucceed(call: Promise<{ status: number; body: string }>): Promise<void> {
  const { status, body } = await call;
  if (status >= 300) throw new Error(`the setup failed: ${status} ${body}`);
}

function accountSettings(account: Account): object {
  const { paceMs, hourLimit, opensMs } = account;
  return {
    provider: providerOf(account),
    pace: { minSeconds: paceMs.min / 1_000, maxSeconds: paceMs.max / 1_000 },
    ...(hourLimit === undefined
      ? {}
      : { limits: [{ category: "any", per: "hour", max: hourLimit }] }),
    ...(opensMs === undefined
      ? {}
      : { hours: { timeZone: "UTC", days: ["mon"], from: "09:00", to: "24:00" } }),
  };
}

interface Call {
  params?: Record<string, string>;
  headers?: Record<string, string>;
  body?: object;
}

/** Calls the API with a client's key. */
export async function callApi(
  world: World,
  made: Pick<Made, "apiKey">,
  routeKey: string,
  call: Call,
) {
  const [method = "", path = ""] = routeKey.split(" ");
  const end = await world.invoke("api", {
    routeKey,
    rawPath: path,
    headers: { authorization: `Bearer ${made.apiKey}`, ...call.headers },
    pathParameters: call.params ?? {},
    queryStringParameters: {},
    body: call.body === undefined ? "" : JSON.stringify(call.body),
    requestContext: { requestId: "r", http: { method, sourceIp: "192.0.2.1" } },
  });
  if (end.kind !== "ok") return { status: 500, body: "" };
  const { statusCode = 500, body = "" } = end.result as { statusCode?: number; body?: string };
  return { status: statusCode, body };
}

const actions: Readonly<Record<SimulatedProvider, string>> = {
  "we-link": "connect",
  "linked-api": "st.sendConnectionRequest",
};

/** Plans the calls of all requests. */
function planRequests(world: World, made: Made, plan: Workload): void {
  const { loop } = world;
  /** The ids of accepted requests, by number; `undefined` for one that is refused. */
  const accepted = new Map(
    plan.requests.map(({ n }) => [n, Promise.withResolvers<string | undefined>()]),
  );

  /** @param otherId the request that it depends on */
  function bodyOf(request: PlannedRequest, otherId?: string): JsonObject {
    const { n, accountId, scheduledMs, isHigh, person, dependsOn } = request;
    const provider = made.providers[accountId] ?? "we-link";
    const names =
      provider === "linked-api" ? { personUrl: urlOf(person ?? "") } : { profile_id: person ?? "" };
    const named = person === undefined ? {} : names;
    return {
      ...{ provider, accountId, action: actions[provider], params: { n, ...named } },
      ...(scheduledMs === undefined ? {} : { scheduled: new Date(scheduledMs).toISOString() }),
      ...(isHigh ? { priority: "high" } : {}),
      ...(dependsOn && otherId !== undefined
        ? {
            dependsOn: {
              requestId: otherId,
              ...(dependsOn.on === "succeeded"
                ? { on: "succeeded" }
                : { on: "event", event: dependsOn.on }),
              ...{ within: dependsOn.withinMs / 1_000, after: dependsOn.afterMs / 1_000 },
              ...(dependsOn.isStoppable ? { unless: "message.reply" } : {}),
            },
          }
        : {}),
    };
  }

  /** What the client does after a request was accepted. */
  function follow(request: PlannedRequest, requestId: string): void {
    const { n, accountId, cancelAfterMs, conflictAfterMs } = request;
    const key = keyOf(request);
    accepted.get(n)?.resolve(requestId);
    if (cancelAfterMs !== undefined) {
      loop.after(cancelAfterMs, () => {
        void repeat(world, { key, what: "cancel", accountId }, () =>
          callApi(world, made, "DELETE /v1/requests/{requestId}", { params: { requestId } }),
        );
      });
    }
    if (conflictAfterMs !== undefined) {
      const other = { ...bodyOf(request), params: { n: -1 } };
      loop.after(conflictAfterMs, () => void create(request, "conflict", other));
    }
  }

  function create(request: PlannedRequest, what: ApiCallMade["what"], body: JsonObject) {
    const key = keyOf(request);
    const headers = { "idempotency-key": key };
    return repeat(world, { key, what, accountId: request.accountId }, () =>
      callApi(world, made, "POST /v1/requests", { headers, body }),
    );
  }

  async function createOne(request: PlannedRequest): Promise<void> {
    const { n, dependsOn } = request;
    const otherId = dependsOn && (await accepted.get(dependsOn.n)?.promise);
    if (dependsOn && otherId === undefined) return accepted.get(n)?.resolve(undefined);
    const { status, body } = await create(request, "accept", bodyOf(request, otherId));
    if (status === 202) follow(request, (JSON.parse(body) as { requestId: string }).requestId);
    else accepted.get(n)?.resolve(undefined);
  }

  for (const request of plan.requests.filter(({ batch }) => batch === undefined)) {
    loop.at(request.atMs, () => void createOne(request));
    if (request.repeatAfterMs !== undefined) {
      const again = () => void create(request, "accept", bodyOf(request));
      loop.at(request.atMs + request.repeatAfterMs, again);
    }
  }
  const batches = Map.groupBy(plan.requests, ({ batch }) => batch);
  for (const [batch, requests] of batches) {
    if (batch === undefined) continue;
    const { atMs = 0, repeatAfterMs } = requests[0] ?? {};
    const bodies = requests.map((one) => ({
      ...bodyOf(one),
      ...(one.isKeyless ? {} : { idempotencyKey: keyOf(one) }),
    }));
    const of = { key: `batch-${batch}`, requests, bodies };
    const post = () => world.untilAnswered(() => createBatch(world, made, of));
    loop.at(atMs, async () => {
      const ids = await post();
      for (const [at, request] of requests.entries()) {
        const requestId = ids[at];
        if (requestId === undefined) accepted.get(request.n)?.resolve(undefined);
        else follow(request, requestId);
      }
    });
    if (repeatAfterMs !== undefined) loop.at(atMs + repeatAfterMs, () => void post());
  }
}

/** The idempotency key of a request, by which its calls are named in the history. */
export const keyOf = ({ n }: Pick<PlannedRequest, "n">): string => `request-${n}`;

/** Posts a batch until each of its requests is answered for good. @returns the ids of those that are accepted */
async function createBatch(
  world: World,
  made: Made,
  of: { key: string; requests: readonly PlannedRequest[]; bodies: readonly JsonObject[] },
): Promise<(string | undefined)[]> {
  const { loop, history, note } = world;
  for (let tries = 1; ; tries++) {
    const fromMs = loop.nowMs();
    const headers = { "idempotency-key": of.key };
    const answer = await callApi(world, made, "POST /v1/requests/batch", {
      headers,
      body: { requests: of.bodies },
    });
    note(`client batch ${of.key} answered ${answer.status}`);
    const { items = [] } = (answer.status === 200 ? JSON.parse(answer.body) : {}) as {
      items?: { status: number; request?: { requestId: string }; problem?: object }[];
    };
    const untilMs = loop.nowMs();
    for (const [at, { n, accountId }] of of.requests.entries()) {
      const { status = answer.status, request, problem } = items[at] ?? {};
      const body = JSON.stringify(request ?? problem ?? {});
      const call = { key: keyOf({ n }), what: "accept", accountId, batchKey: of.key } as const;
      history.calls.push({ ...call, fromMs, untilMs, status, body });
    }
    const statuses = answer.status === 200 ? items.map(({ status }) => status) : [answer.status];
    const isOver = !statuses.some((status) => status >= 500 || status === 429);
    if (isOver || tries === CALL_TRIES) return items.map(({ request }) => request?.requestId);
    await new Promise<void>((resolve) => loop.after(CALL_RETRY_MS * tries, resolve));
  }
}

/** The member `n` of the params of requests that a recurring one makes. */
export const RECURRING_N = 1_000;

function planRecurring(world: World, made: Made, recurring: PlannedRecurring): void {
  const { recurringId, accountId, atMs, minutes, deletedAfterMs } = recurring;
  const params = { recurringId };
  const of = { key: recurringId, accountId };
  const hour = new Date(START_MS).getUTCHours();
  const provider = made.providers[accountId] ?? "we-link";
  const body = {
    every: { cron: `${minutes.join(",")} ${hour} * * ? *`, timeZone: "UTC" },
    request: {
      ...{ provider, accountId, action: actions[provider] },
      params: { n: RECURRING_N },
    },
  };
  world.loop.at(atMs, () => {
    void repeat(world, { ...of, what: "recur" }, () =>
      callApi(world, made, "PUT /v1/recurring-requests/{recurringId}", { params, body }),
    );
  });
  world.loop.at(atMs + deletedAfterMs, () => {
    void repeat(world, { ...of, what: "delete" }, () =>
      callApi(world, made, "DELETE /v1/recurring-requests/{recurringId}", { params }),
    );
  });
}

/** Makes a call until it is answered by something else than a 5xx or 429, as clients do. */
function repeat(
  { loop, history, note, untilAnswered }: World,
  of: Pick<ApiCallMade, "key" | "what" | "accountId">,
  call: () => Promise<{ status: number; body: string }>,
) {
  return untilAnswered(async () => {
    for (let tries = 1; ; tries++) {
      const fromMs = loop.nowMs();
      const answer = await call();
      history.calls.push({ ...of, fromMs, untilMs: loop.nowMs(), ...answer });
      note(`client ${of.what} ${of.key} answered ${answer.status}`);
      const isOver = answer.status < 500 && answer.status !== 429;
      if (isOver || tries === CALL_TRIES) return answer;
      await new Promise<void>((resolve) => loop.after(CALL_RETRY_MS * tries, resolve));
    }
  });
}

const postWebhook = (world: World, made: Made, webhook: Webhook): Promise<void> =>
  world.untilAnswered(() => postUntilTaken(world, made, webhook));

async function postUntilTaken(world: World, made: Made, webhook: Webhook): Promise<void> {
  const { id, providerRequestId, isEnd, provider, body, headersAt } = webhook;
  const { loop, history, note } = world;
  const path = made.inboundPaths[provider] ?? "";
  const [, , , , connectionId = "", token = ""] = path.split("/");
  for (const retryMs of [...WEBHOOK_RETRIES_MS, 0]) {
    const end = await world.invoke("ingest", {
      headers: {
        "content-type": "application/json",
        ...headersAt?.(Math.floor(loop.nowMs() / 1_000)),
      },
      body,
      isBase64Encoded: false,
      pathParameters: { provider, connectionId, token },
      requestContext: { requestId: "r", http: { method: "POST", sourceIp: "192.0.2.2" } },
    });
    const result = end.kind === "ok" ? (end.result as { statusCode?: number }) : {};
    const status = result.statusCode ?? 500;
    history.webhooks.push({ id, providerRequestId, isEnd, body, atMs: loop.nowMs(), status });
    note(`provider webhook ${id} answered ${status}`);
    if (status === 200 && isEnd && isBound(world, providerRequestId)) {
      world.toldByWebhook.add(providerRequestId);
    }
    if (status < 500) return;
    await new Promise<void>((resolve) => loop.after(retryMs, resolve));
  }
}

/** Whether a request knows this id of the provider, so that its webhooks are matched with it. */
const isBound = ({ dynamodb }: World, providerRequestId: string): boolean =>
  dynamodb
    .all("requests")
    .some(
      ({ lane, requestId }) =>
        requestId !== undefined &&
        String(lane).startsWith("ref#") &&
        String(lane).endsWith(`#${providerRequestId}`),
    );
