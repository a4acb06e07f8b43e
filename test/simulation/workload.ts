import { composeAdministration } from "../../shared/composition/administration.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import type { Random } from "./engine/random.ts";
import type { ApiCallMade } from "./history.ts";
import type { Job } from "./services/peers.ts";
import { outputs, START_MS } from "./stack.ts";
import type { World } from "./world.ts";

const MINUTE_MS = 60_000;

/** Clients and providers send during this time; faults strike a little longer. */
export const BUSY_MS: number = 4 * MINUTE_MS;

const WEBHOOK_SECRET = "simulated-webhook-secret";

/** When a provider sends a webhook again that was not answered 2xx, after the attempt before. */
const WEBHOOK_RETRIES_MS = [1_000, 10_000, 60_000, 300_000, 900_000, 3_600_000];

/** How often a client repeats a call that failed, and after how long. */
const CALL_TRIES = 12;
const CALL_RETRY_MS = 2_000;

export interface Account {
  accountId: string;
  paceMs: { min: number; max: number };
  hourLimit: number | undefined;
  /** Requests are submitted from this time on. */
  opensMs: number | undefined;
}

/** A request that a client makes, and what it does about it. */
export interface PlannedRequest {
  n: number;
  accountId: string;
  atMs: number;
  scheduledMs: number | undefined;
  isHigh: boolean;
  /** It is cancelled this long after the answer that accepts it. */
  cancelAfterMs: number | undefined;
  /** The same call is made again this long after the first one, by a client that does not wait. */
  repeatAfterMs: number | undefined;
  /** Another call with the same key is made this long after it is accepted. */
  conflictAfterMs: number | undefined;
}

export interface Span {
  fromMs: number;
  untilMs: number;
}

export interface Workload {
  accounts: readonly Account[];
  requests: readonly PlannedRequest[];
  /** Ids of what providers report that nobody here has requested. */
  foreign: readonly { id: string; atMs: readonly number[]; isForged: boolean }[];
  /** When the client's endpoint answers 500. */
  endpointDown: Span;
  /** When the bus refuses every third entry. */
  busFlaky: Span;
  poisonMs: number | undefined;
}

/** Plans what a seed's clients and providers do. */
export function planWorkload(random: Random): Workload {
  // Much happens at the same moment, and some of it while `reconcile` runs.
  const moments = Array.from({ length: random.int(1, 3) }, () =>
    random.chance(0.5)
      ? START_MS + MINUTE_MS * random.int(1, BUSY_MS / MINUTE_MS) - random.int(0, 1_000)
      : START_MS + random.int(0, BUSY_MS),
  );
  const atMs = () =>
    random.chance(0.6)
      ? random.pick(moments) + random.int(0, 1_500)
      : START_MS + random.int(0, BUSY_MS);
  const span = (probability: number, mostMs: number): Span => {
    const fromMs = atMs();
    return {
      fromMs,
      untilMs: fromMs + (random.chance(probability) ? random.int(1_000, mostMs) : 0),
    };
  };
  const accounts = Array.from({ length: random.int(1, 2) }, (_, n) => {
    const min = random.int(1, 6) * 1_000;
    return {
      accountId: `account-${n + 1}`,
      paceMs: { min, max: min + (random.chance(0.4) ? 0 : random.int(1, 5) * 1_000) },
      hourLimit: random.chance(0.15) ? random.int(1, 3) : undefined,
      opensMs: random.chance(0.15) ? START_MS + 10 * MINUTE_MS : undefined,
    };
  });
  const requests = Array.from({ length: random.int(1, 7) }, (_, n): PlannedRequest => {
    const at = atMs();
    return {
      n,
      accountId: random.pick(accounts).accountId,
      atMs: at,
      scheduledMs: random.chance(0.25) ? at + random.int(10_000, 5 * MINUTE_MS) : undefined,
      isHigh: random.chance(0.2),
      cancelAfterMs: random.chance(0.25)
        ? random.int(0, random.chance(0.6) ? 1_000 : MINUTE_MS)
        : undefined,
      repeatAfterMs: random.chance(0.2)
        ? random.int(0, random.chance(0.5) ? 200 : MINUTE_MS)
        : undefined,
      conflictAfterMs: random.chance(0.1) ? random.int(0, MINUTE_MS) : undefined,
    };
  });
  const foreign = Array.from({ length: random.int(0, 4) }, (_, n) => {
    const firstMs = atMs();
    const copies = random.chance(0.5) ? random.int(1, 2) : 0;
    const apartMs = () => random.int(0, random.pick([0, 50, 300, 2_000, 40_000]));
    return {
      id: `foreign-${n}`,
      atMs: [firstMs, ...Array.from({ length: copies }, () => firstMs + apartMs())],
      isForged: random.chance(0.15),
    };
  });
  const downMs = atMs();
  return {
    accounts,
    requests,
    foreign,
    endpointDown: { fromMs: downMs, untilMs: downMs + downtimeMs(random) },
    busFlaky: span(0.2, 3 * MINUTE_MS),
    poisonMs: random.chance(0.1) ? atMs() : undefined,
  };
}

/** Mostly not at all, sometimes for minutes, and now and then for longer than all attempts take. */
function downtimeMs(random: Random): number {
  if (random.chance(0.05)) return 120 * MINUTE_MS;
  return random.chance(0.3) ? random.int(1_000, 8 * MINUTE_MS) : 0;
}

/** What the setup has made. */
interface Made {
  apiKey: string;
  inboundPath: string;
}

/** Makes the client, its connection, accounts and webhook, and plans everything that happens. */
export async function startWorkload(world: World, plan: Workload): Promise<void> {
  const made = await setUp(world, plan);
  world.faults.start();
  for (const request of plan.requests) planRequest(world, made, request);
  for (const one of plan.foreign) {
    const body = { status: "SUCCESS", request_id: one.id, result: { seen: one.id } };
    const secret = one.isForged ? "another secret" : WEBHOOK_SECRET;
    const text = signWeLink(body, secret);
    for (const atMs of one.atMs) {
      const id = { id: one.id, providerRequestId: one.id };
      world.loop.at(atMs, () => void postWebhook(world, made, { ...id, text }));
    }
  }
  const { poisonMs } = plan;
  if (poisonMs !== undefined) world.loop.at(poisonMs, () => world.sqs.send("inbound", "{poison"));
}

/** Sends the outcome of a job as the provider does; `startWorkload` must have run. */
export function makeSendWebhook(world: () => World, made: () => Made) {
  return (job: Job, body: object) => {
    const { providerRequestId } = job;
    const text = signWeLink(body as never, WEBHOOK_SECRET);
    const one = { id: providerRequestId, providerRequestId, text };
    void postWebhook(world(), made(), one);
    if (world().faults.draw("provider.copies", { duplicate: 40 })) {
      const afterMs = world().randomFor(`copy/${providerRequestId}`).int(0, 3_000);
      world().loop.after(afterMs, () => void postWebhook(world(), made(), one));
    }
  };
}

let latest: Made | undefined;

/** What the last setup has made. */
export function madeBySetup(): Made {
  if (!latest) throw new Error("nothing is set up");
  return latest;
}

async function setUp(world: World, plan: Workload): Promise<Made> {
  const administration = await composeAdministration({ aws: {}, outputs });
  const { clientId } = await administration.createClient("simulated");
  const { apiKey } = await administration.createApiKey(clientId);
  const { connectionId, inboundPath } = await administration.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: WEBHOOK_SECRET,
    credentials: { "x-api-key": "id", "x-api-secret": "secret" },
    settings: { allowUnboundJwt: true },
  });
  for (const { accountId } of plan.accounts) {
    await administration.addAccount({ clientId, connectionId, accountId, preset: "off" });
  }
  const made = { apiKey, inboundPath };
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

function accountSettings({ paceMs, hourLimit, opensMs }: Account): object {
  return {
    provider: "we-link",
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

function planRequest(world: World, made: Made, request: PlannedRequest): void {
  const { n, accountId, scheduledMs, isHigh } = request;
  const { cancelAfterMs, repeatAfterMs, conflictAfterMs } = request;
  const key = `request-${n}`;
  const body = {
    ...{ provider: "we-link", accountId, action: "connect", params: { n } },
    ...(scheduledMs === undefined ? {} : { scheduled: new Date(scheduledMs).toISOString() }),
    ...(isHigh ? { priority: "high" } : {}),
  };
  const headers = { "idempotency-key": key };
  const create = (what: ApiCallMade["what"], of: object) =>
    repeat(world, { key, what, accountId }, () =>
      callApi(world, made, "POST /v1/requests", { headers, body: of }),
    );
  world.loop.at(request.atMs, async () => {
    const accepted = await create("accept", body);
    if (accepted.status !== 202) return;
    const { requestId } = JSON.parse(accepted.body) as { requestId: string };
    if (cancelAfterMs !== undefined) {
      world.loop.after(cancelAfterMs, () => {
        void repeat(world, { key, what: "cancel", accountId }, () =>
          callApi(world, made, "DELETE /v1/requests/{requestId}", { params: { requestId } }),
        );
      });
    }
    if (conflictAfterMs !== undefined) {
      const other = { ...body, params: { n: -1 } };
      world.loop.after(conflictAfterMs, () => void create("conflict", other));
    }
  });
  if (repeatAfterMs !== undefined) {
    world.loop.at(request.atMs + repeatAfterMs, () => void create("accept", body));
  }
}

/** Makes a call until it is answered by something else than a 5xx or 429, as clients do. */
async function repeat(
  { loop, history, note }: World,
  of: Pick<ApiCallMade, "key" | "what" | "accountId">,
  call: () => Promise<{ status: number; body: string }>,
) {
  for (let tries = 1; ; tries++) {
    const fromMs = loop.nowMs();
    const answer = await call();
    history.calls.push({ ...of, fromMs, untilMs: loop.nowMs(), ...answer });
    note(`client ${of.what} ${of.key} answered ${answer.status}`);
    const isOver = answer.status < 500 && answer.status !== 429;
    if (isOver || tries === CALL_TRIES) return answer;
    await new Promise<void>((resolve) => loop.after(CALL_RETRY_MS * tries, resolve));
  }
}

async function postWebhook(
  world: World,
  made: Made,
  of: { id: string; providerRequestId: string; text: string },
): Promise<void> {
  const [, , , provider = "", connectionId = "", token = ""] = made.inboundPath.split("/");
  for (const retryMs of [...WEBHOOK_RETRIES_MS, 0]) {
    const end = await world.invoke("ingest", {
      headers: { "content-type": "application/json" },
      body: of.text,
      isBase64Encoded: false,
      pathParameters: { provider, connectionId, token },
      requestContext: { requestId: "r", http: { method: "POST", sourceIp: "192.0.2.2" } },
    });
    const result = end.kind === "ok" ? (end.result as { statusCode?: number }) : {};
    const status = result.statusCode ?? 500;
    const { id, providerRequestId, text: body } = of;
    world.history.webhooks.push({ id, providerRequestId, body, atMs: world.loop.nowMs(), status });
    world.note(`provider webhook ${id} answered ${status}`);
    if (status < 500) return;
    await new Promise<void>((resolve) => world.loop.after(retryMs, resolve));
  }
}
