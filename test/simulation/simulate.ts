import { readDeliveryItem } from "../../shared/adapters/dynamo/delivery-item.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { type Violation, violationsOf } from "./checks/checks.ts";
import { isTerminal } from "./checks/requests.ts";
import { type FaultKind, type FaultPlan, faultKinds } from "./engine/faults.ts";
import { type History, requestIn } from "./history.ts";
import { BUSY_MS, planWorkload, type Span, type Workload } from "./plan-workload.ts";
import type { AnswerOf } from "./services/endpoint.ts";
import type { Item } from "./services/expressions.ts";
import { START_MS } from "./stack.ts";
import { madeBySetup, makeSendWebhook, startWorkload } from "./workload.ts";
import { makeWorld, type World } from "./world.ts";

const MINUTE_MS = 60_000;

/** Faults strike until then; `reconcile` has found what they left some time later. */
const FAULTS_MS = BUSY_MS + 3 * MINUTE_MS;

/** Where an endpoint is down for longer than all attempts take, they strike the last one too. */
const LONG_FAULTS_MS = 40 * MINUTE_MS;

/** `reconcile` runs every minute until then. Later it runs every five minutes, as it may. */
const SWEPT_MS = FAULTS_MS + 12 * MINUTE_MS;
const SLOW_SWEEPS_MS = 5 * MINUTE_MS;

/** Everything must be over by then. */
const HORIZON_MS = 8 * 60 * MINUTE_MS;

/** Of a thousand operations, how many have a fault of weight 1. */
const FAULTS_PER_MILLE = 1;

export interface RunOptions {
  seed: number;
  kinds?: readonly FaultKind[];
  /** Only these faults, by id. */
  only?: ReadonlySet<string> | undefined;
  /** What clients and providers do, if it is not what the seed draws. */
  plan?: Workload;
  /** Real milliseconds of the run during which faults strike; absent: a little longer than clients are busy. */
  faultsMs?: number;
  /** How the client's endpoint answers; absent: 200, or 500 while it is down. */
  answerOf?: AnswerOf;
  lastsAlways?: boolean | undefined;
  onOperation?: FaultPlan["onOperation"];
  onDynamoDbCommand?: FaultPlan["onDynamoDbCommand"];
}

/** The state at the end of a run. */
export interface EndState {
  requests: RequestRecord[];
  deliveries: DeliveryRecord[];
  /** Metrics that the functions have counted. */
  counts: ReadonlyMap<string, number>;
  isSettled: boolean;
}

export interface RunResult {
  seed: number;
  workload: Workload;
  history: History;
  end: EndState;
  violations: Violation[];
}

/** Runs one seed to its end, and checks it. The globals must be virtual. */
export async function simulate(options: RunOptions): Promise<RunResult> {
  const { seed, kinds = faultKinds, plan: planned, ...told } = options;
  const { only, lastsAlways, onOperation, onDynamoDbCommand } = told;
  const plan = {
    seed,
    perMille: FAULTS_PER_MILLE,
    kinds,
    only,
    lastsAlways,
    onOperation,
    onDynamoDbCommand,
  };
  let workload: Workload | undefined;
  const isIn = (nowMs: number, { fromMs = 0, untilMs = 0 }: Partial<Span> = {}) =>
    nowMs >= fromMs && nowMs < untilMs;
  const world: World = makeWorld(plan, {
    sendWebhook: makeSendWebhook(() => world, madeBySetup),
    isStuck: ({ providerRequestId }) =>
      workload?.isToldOnce === true && world.toldByWebhook.has(providerRequestId),
    isEndpointDown: (nowMs) => isIn(nowMs, workload?.endpointDown),
    answerOf: options.answerOf,
    isBusFlaky: (nowMs) => isIn(nowMs, workload?.busFlaky),
    settings: () => {
      const { queueTimeoutSeconds } = workload ?? {};
      return queueTimeoutSeconds === undefined ? {} : { queueTimeoutSeconds };
    },
  });
  const { loop, history } = world;
  workload =
    planned ??
    planWorkload(
      world.randomFor("workload"),
      world.randomFor("workload/more"),
      world.randomFor("workload/least"),
    );
  const { fromMs: downMs, untilMs: upMs } = workload.endpointDown;
  const { faultsMs = upMs - downMs > LONG_FAULTS_MS ? LONG_FAULTS_MS : FAULTS_MS } = options;
  let isStarted = false;
  const started = startWorkload(world, workload).then(() => {
    isStarted = true;
  });
  await loop.run(START_MS + 10 * MINUTE_MS, () => isStarted);
  await started;
  loop.at(START_MS + faultsMs, () => world.faults.stop());
  keepSweeping(world, START_MS);
  await loop.run(START_MS + faultsMs);
  let settled = false;
  let look = 0;
  await loop.run(START_MS + HORIZON_MS, () => {
    // Reading all items is slow: not after each step.
    if (look++ % 50 === 0) settled = isSettled(world);
    return settled;
  });
  const end = endOf(world, settled || isSettled(world));
  const violations = violationsOf({ workload, history, end });
  return { seed, workload, history, end, violations };
}

/** Invokes `reconcile` every minute, now and then twice, and deletes what has expired. */
function keepSweeping(world: World, lastMs: number): void {
  const { loop, faults, randomFor } = world;
  const isSlow = lastMs >= START_MS + SWEPT_MS;
  const nextMs = lastMs + (isSlow ? SLOW_SWEEPS_MS : MINUTE_MS);
  loop.at(nextMs, () => {
    keepSweeping(world, nextMs);
    void world.invoke("reconcile", {});
    if (faults.draw("reconcile.rule", { duplicate: 30 })) {
      const afterMs = randomFor(`rule/${nextMs}`).int(0, 1_000);
      loop.after(afterMs, () => void world.invoke("reconcile", {}));
    }
    world.dynamodb.expire(0.1);
  });
}

function endOf(world: World, settled: boolean): EndState {
  return { ...recordsOf(world), counts: world.counts, isSettled: settled };
}

const requestsOf = ({ dynamodb }: World): RequestRecord[] =>
  dynamodb
    .all("requests")
    .filter(({ id }) => String(id).startsWith("rq_"))
    .map(requestIn);

function recordsOf(world: World) {
  const { dynamodb } = world;
  return {
    requests: requestsOf(world),
    deliveries: dynamodb.all("deliveries").flatMap((item) => readDeliveryItem(item) ?? []),
  };
}

const isOpen: ReadonlySet<string> = new Set(["waiting", "delivering"]);

function isSettled(world: World): boolean {
  if (world.underWay() > 0) return false;
  const isDeliveryOpen = ({ status, sweepAt }: Item) =>
    isOpen.has(String(status)) || sweepAt !== undefined;
  if (world.dynamodb.all("deliveries").some(isDeliveryOpen)) return false;
  return (
    world.dynamodb.all("events").every(({ status }) => status === "PUBLISHED") &&
    requestsOf(world).every((request) => isTerminal(request) && request.outbox.length === 0)
  );
}
