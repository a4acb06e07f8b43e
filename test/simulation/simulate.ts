import { readDeliveryItem } from "../../shared/adapters/dynamo/delivery-item.ts";
import { readRequestItem } from "../../shared/adapters/dynamo/request-item.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { isTerminal, type RequestRecord } from "../../shared/core/requests/state/record.ts";
import { type Violation, violationsOf } from "./checks/checks.ts";
import { type FaultKind, faultKinds } from "./engine/faults.ts";
import type { History } from "./history.ts";
import { START_MS } from "./stack.ts";
import {
  BUSY_MS,
  madeBySetup,
  makeSendWebhook,
  planWorkload,
  startWorkload,
  type Workload,
} from "./workload.ts";
import { makeWorld, type World } from "./world.ts";

const MINUTE_MS = 60_000;

/** Faults strike until then; `reconcile` has found what they left some time later. */
const FAULTS_MS = BUSY_MS + 4 * MINUTE_MS;

/** Everything must be over by then. */
const HORIZON_MS = 8 * 60 * MINUTE_MS;

/** Of a thousand operations, how many have a fault of weight 1. */
const FAULTS_PER_MILLE = 1;

export interface RunOptions {
  seed: number;
  kinds?: readonly FaultKind[];
  /** Only these faults, by id. */
  only?: ReadonlySet<string> | undefined;
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
export async function simulate({ seed, kinds = faultKinds, only }: RunOptions): Promise<RunResult> {
  const plan = { seed, perMille: FAULTS_PER_MILLE, kinds, only };
  let workload: Workload | undefined;
  const world: World = makeWorld(plan, {
    sendWebhook: makeSendWebhook(() => world, madeBySetup),
    isEndpointDown: (nowMs) => {
      const { fromMs = 0, untilMs = 0 } = workload?.endpointDown ?? {};
      return nowMs >= fromMs && nowMs < untilMs;
    },
  });
  const { loop, history } = world;
  workload = planWorkload(world.randomFor("workload"));
  let isStarted = false;
  const started = startWorkload(world, workload).then(() => {
    isStarted = true;
  });
  await loop.run(START_MS + 10 * MINUTE_MS, () => isStarted);
  await started;
  loop.at(START_MS + FAULTS_MS, () => world.faults.stop());
  keepSweeping(world);
  await loop.run(START_MS + FAULTS_MS);
  let settled = false;
  let look = 0;
  await loop.run(START_MS + HORIZON_MS, () => {
    // Reading all items is slow: not after each step.
    if (look++ % 200 === 0) settled = isSettled(world);
    return settled;
  });
  const end = endOf(world, settled || isSettled(world));
  const violations = violationsOf({ workload, history, end });
  return { seed, workload, history, end, violations };
}

/** Invokes `reconcile` every minute, and deletes what has expired. */
function keepSweeping(world: World): void {
  world.loop.after(MINUTE_MS, () => {
    keepSweeping(world);
    void world.invoke("reconcile", {});
    world.dynamodb.expire(0.1);
  });
}

function endOf(world: World, settled: boolean): EndState {
  return { ...recordsOf(world), counts: world.counts, isSettled: settled };
}

function recordsOf({ dynamodb }: World) {
  return {
    requests: dynamodb
      .all("requests")
      .filter(({ id }) => String(id).startsWith("rq_"))
      .map((item) => readRequestItem(item).request),
    deliveries: dynamodb.all("deliveries").flatMap((item) => readDeliveryItem(item) ?? []),
  };
}

function isSettled(world: World): boolean {
  if (world.sqs.count() + world.bus.underWay() > 0) return false;
  const { requests, deliveries } = recordsOf(world);
  const events = world.dynamodb.all("events");
  return (
    requests.every((request) => isTerminal(request) && request.outbox.length === 0) &&
    deliveries.every(({ status }) => ["delivered", "failed", "cancelled"].includes(status)) &&
    events.every(({ status }) => status === "PUBLISHED")
  );
}
