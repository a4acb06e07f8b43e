import { setTimeout } from "node:timers/promises";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { LocalAws } from "../aws/aws.ts";
import { localAws } from "../aws/local-aws.ts";
import type { BusinessClock } from "../clock/clock.ts";
import type { Lambdas } from "../lambda/lambdas.ts";
import type { Simulator } from "../simulator/simulator.ts";

/** A sweep runs once a minute: what it has postponed is due again then. */
const SWEEP_MS = 60_000;

/** How long work may take between two jumps (real time) before an advance is given up. */
const SETTLE_LIMIT_MS = 60_000;
const CHECK_MS = 3;

/**
 * Moves business time of a run forward, and lets everything happen that is due on the way, each
 * at its time: delayed messages, schedules, attempts, polls, the providers' webhooks.
 */
export function makeAdvance(options: {
  clock: BusinessClock;
  aws: Pick<LocalAws, "url" | "nextTimerAt" | "messagesIn">;
  lambdas: Pick<Lambdas, "invoke" | "running">;
  simulator: Pick<Simulator, "work">;
  outputs: Readonly<Record<string, string>>;
  /** Logical id of the function that sweeps. */
  sweeperId: string;
}) {
  const { clock, aws, lambdas, simulator, outputs } = options;
  const dynamo = new DynamoDBClient(localAws(aws.url));
  // Nothing consumes a dead-letter queue.
  const queues = Object.entries(outputs).flatMap(([name, url]) =>
    name.endsWith("QueueUrl") ? [url] : [],
  );
  const messages = () => aws.messagesIn(queues);
  const tables = [outputs.RequestsTableName, outputs.DeliveriesTableName];

  /** Waits until no function runs, no message waits, and no webhook of a provider is on its way. */
  async function settle(): Promise<void> {
    const endsAt = Date.now() + SETTLE_LIMIT_MS;
    for (let quiet = 0; quiet < 2; ) {
      if (Date.now() > endsAt) {
        throw new Error(
          `The run has not become quiet within ${SETTLE_LIMIT_MS / 1_000} s: ${lambdas.running()} functions run, ${messages()} messages wait`,
        );
      }
      await setTimeout(CHECK_MS);
      const isRunning = lambdas.running() > 0 || simulator.work().running > 0;
      const isBusy = isRunning || isTimerDue() || messages() > 0;
      quiet = isBusy ? 0 : quiet + 1;
    }
  }

  /** Whether a timer is about to fire, whose message or call is not yet to be seen. */
  function isTimerDue(): boolean {
    return [aws.nextTimerAt(), simulator.work().nextAt].some(
      (at) => at !== undefined && at <= clock.now(),
    );
  }

  /** The earliest time at which a sweep has something to do. */
  async function nextSweepAt(): Promise<number | undefined> {
    const times = await Promise.all(
      tables.map(async (TableName) => {
        const { Items = [] } = await dynamo.send(
          new ScanCommand({ TableName, IndexName: "due", ProjectionExpression: "dueAt" }),
        );
        return Items.map(({ dueAt }) => Number(dueAt?.N));
      }),
    );
    const all = times.flat();
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /** @param isEnough ends it before, at a time at which nothing is left to do */
  return async (byMs: number, isEnough?: () => Promise<boolean>): Promise<void> => {
    if (!(byMs >= 0)) throw new Error(`Time can only be moved forward, not by ${byMs} ms`);
    const targetMs = clock.now() + byMs;
    let sweptAtMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      await settle();
      if (await isEnough?.()) return;
      const dueAt = await nextSweepAt();
      const sweepAt = dueAt === undefined ? undefined : Math.max(dueAt, sweptAtMs + SWEEP_MS);
      const steps = [aws.nextTimerAt(), simulator.work().nextAt, sweepAt];
      const nextMs = Math.min(targetMs, ...steps.filter((at) => at !== undefined));
      if (nextMs > clock.now()) clock.jump(Math.ceil(nextMs - clock.now()));
      if (sweepAt !== undefined && sweepAt <= clock.now()) {
        sweptAtMs = clock.now();
        await lambdas.invoke(options.sweeperId, {});
      } else if (nextMs >= targetMs) break;
    }
    await settle();
  };
}
