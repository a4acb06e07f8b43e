import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { makeBusinessTimers } from "../clock/business-timers.ts";
import type { BusinessClock } from "../clock/clock.ts";
import { makeRecurringTimers, recurringKey } from "../clock/recurring-timers.ts";
import type { DurableStore } from "../durable-store.ts";
import { foreignRequest, listen } from "../loopback.ts";
import { arnOfResource } from "../template/references.ts";
import type { Template } from "../template/resource.ts";
import { type BilledUnits, makeBilledUnits } from "./billing/billed-units.ts";
import { type CallCounts, makeCallCounts } from "./call-counts.ts";
import type { Written } from "./dynamodb/dynalite.ts";
import { openDynamoDb } from "./dynamodb/dynamodb.ts";
import { openEventBridge } from "./eventbridge/eventbridge.ts";
import { type Invoke, makeTargetDelivery } from "./eventbridge/target-delivery.ts";
import { makeFront } from "./front.ts";
import { makeBusPolicies } from "./iam/bus-policy.ts";
import { type Caller, makeRoleCheck, type RoleCheck } from "./iam/role-check.ts";
import { provisionAll } from "./provision.ts";
import { openScheduler } from "./scheduler/scheduler.ts";
import { openSecretsManager } from "./secrets-manager.ts";
import { openSqs, type QueuePollers } from "./sqs/sqs.ts";

/**
 * The local AWS endpoint: DynamoDB, SQS, S3, SNS, EventBridge, Scheduler and
 * Secrets Manager on one port.
 */
export interface LocalAws {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  /** Answers a request that has come another way than by the port. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /**
   * Creates every table, queue, bucket, bus, rule, schedule, secret and topic of
   * the template. Resources that the data directory already has are kept.
   *
   * @throws Error that names the resource that could not be created
   */
  provision(template: Template): Promise<void>;
  /**
   * Registers a caller: requests signed with this key id are checked against its
   * role from then on.
   */
  registerCaller(accessKeyId: string, caller: Caller): void;
  /**
   * Sets the function that invokes the Lambda targets of rules and schedules.
   * Such deliveries wait until it is set.
   */
  onInvoke(invoke: Invoke): void;
  /** What SQS does for the pollers of event source mappings. */
  pollers: QueuePollers;
  /**
   * When the first delayed message or schedule is due, in business time. The template's own
   * schedules are left out: they start sweeps, which look for what is due.
   */
  nextTimerAt(): number | undefined;
  /** The number of messages in these queues that are visible or being processed. */
  messagesIn(queueUrls: readonly string[]): number;
  /** The number of calls so far. */
  calls: Pick<CallCounts, "list">;
  /** What an account would be billed for so far; other parts of the run add what they do. */
  billed: BilledUnits;
  /** Everything that the roles allow, and whether a call has needed it so far. */
  rights: RoleCheck["rights"];
  close(): Promise<void>;
}

/** The SDK reuses connections: a request on a connection that is being closed would fail. */
const KEEP_ALIVE_MS = 120_000;
const CLOSE_GRACE_MS = 1_000;
const CLOSE_SWEEP_MS = 10;

export async function startAws(options: {
  /** 0 takes a free port. */
  port: number;
  /** Absent: tables, queues and buckets are kept in memory. */
  dataDir?: string;
  store: DurableStore;
  clock: BusinessClock;
  /** Real milliseconds by which the tables' global indexes are behind, as on AWS. Default: 0. */
  indexLagMs?: number | undefined;
  /** Receives each item that a table has stored or deleted. */
  onWritten?: ((written: Written) => void) | undefined;
  /** A message is received from a queue only once this has resolved. Default: at once. */
  mayReceive?: () => Promise<void>;
  log: (line: string) => void;
}): Promise<LocalAws> {
  const server = await openServer(options.port);
  try {
    return await open(options, server);
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function open(
  options: Parameters<typeof startAws>[0],
  server: Awaited<ReturnType<typeof openServer>>,
): Promise<LocalAws> {
  const { store, clock, log, dataDir, indexLagMs = 0, onWritten } = options;
  const path = (name: string) => (dataDir === undefined ? undefined : join(dataDir, name));
  const timers = makeBusinessTimers(clock);
  const recurring = makeRecurringTimers({ store, clock, timers });
  const roles = makeRoleCheck(log);
  const busPolicies = makeBusPolicies(roles, log);
  const callers = new Map<string, Caller>();
  const sweeps = new Set<string>();
  const calls = makeCallCounts();
  const billed = makeBilledUnits();

  const dynamodb = openDynamoDb({ path: path("dynamodb"), store, indexLagMs, onWritten });
  const sqs = await openSqs({
    dataDir: path("queues"),
    awsUrl: server.url,
    store,
    clock,
    timers,
    mayReceive: options.mayReceive,
  });
  const delivery = makeTargetDelivery({ sqs, clock, bill: billed.add, log });
  const { atomically } = sqs.fauxqs;
  const events = openEventBridge({ store, clock, recurring, delivery, atomically });
  const scheduler = openScheduler({ store, clock, timers, recurring, delivery, roles });
  const secrets = openSecretsManager(store);

  const operations = {
    dynamodb: dynamodb.operations,
    events: events.operations,
    scheduler: scheduler.operations,
    secretsmanager: secrets.operations,
    sqs: sqs.operations,
  };
  const { isLocalIndex } = dynamodb;
  const { fauxqs } = sqs;
  const serve = makeFront({
    operations,
    fauxqs,
    isLocalIndex,
    roles,
    busPolicies,
    callers,
    calls,
    billed,
    log,
  });
  server.serve(serve);

  return {
    url: server.url,
    serve,
    provision: (template) => {
      for (const schedule of template.resources("AWS::Scheduler::Schedule")) {
        sweeps.add(recurringKey(arnOfResource(schedule)));
      }
      const services = { dynamodb, sqs, events, scheduler, secrets, roles, busPolicies };
      return provisionAll(services, template);
    },
    registerCaller: (accessKeyId, caller) => void callers.set(accessKeyId, caller),
    onInvoke: delivery.onInvoke,
    pollers: sqs.pollers,
    nextTimerAt: () => timers.firstDueAt((key) => !sweeps.has(key)),
    messagesIn: (queueUrls) =>
      queueUrls
        .map((url) => fauxqs.sqs.getQueue(url))
        .reduce((sum, of) => sum + (of ? of.messages.length + of.inflightMessages.size : 0), 0),
    calls,
    billed,
    rights: roles.rights,
    async close() {
      timers.close();
      delivery.close();
      sqs.stopReceiving();
      await server.close();
      await sqs.close();
      await dynamodb.close();
    },
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Listens immediately, because queue URLs contain the port. Requests wait until
 * `serve` is called.
 */
async function openServer(port: number) {
  const handler = Promise.withResolvers<Handler>();
  const server = createServer(async (request, response) => {
    const reason = foreignRequest(request.headers);
    if (reason !== undefined) {
      response.writeHead(403, { "content-type": "text/plain", connection: "close" });
      return void response.end(`Refused: ${reason}\n`);
    }
    const handle = await handler.promise;
    await handle(request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return {
    url: `http://${await listen(server, port)}`,
    serve: (handle: Handler) => handler.resolve(handle),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Connections become idle after their response and would be kept alive.
      const sweep = setInterval(() => server.closeIdleConnections(), CLOSE_SWEEP_MS);
      const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(grace);
    },
  };
}
