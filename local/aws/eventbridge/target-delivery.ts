import { setTimeout as sleep } from "node:timers/promises";
import type { BusinessClock } from "../../clock/clock.ts";
import type { Bill } from "../billing/billed-units.ts";
import { messageUnits } from "../billing/request-units.ts";
import { AwsError } from "../protocol.ts";
import type { Sqs } from "../sqs/sqs.ts";

/**
 * Invokes a function asynchronously. It rejects when the function could not be
 * invoked, which is retried by the target's retry policy. An error that the
 * function throws does not count: Lambda's asynchronous invocation handles it.
 */
export type Invoke = (functionArn: string, payload: unknown) => Promise<void>;

/** A payload for one target, from a rule or a schedule. */
interface Delivery {
  /** ARN of the rule or schedule, for log lines. */
  sourceArn: string;
  targetArn: string;
  /** JSON, exactly as an SQS message carries it. */
  payload: string;
  groupId?: string | undefined;
  deadLetterArn?: string | undefined;
  maximumRetryAttempts?: number | undefined;
  maximumEventAgeInSeconds?: number | undefined;
  /** Reason why the target must not be called; the delivery is then not attempted. */
  refusal?: string | undefined;
  /** Reason why the dead-letter queue must not be written to. */
  deadLetterRefusal?: string | undefined;
}

export interface TargetDelivery {
  /**
   * Delivers a payload, or sends it to the dead-letter queue after the last
   * attempt. An SQS target has the message when this returns. The promise never
   * rejects; it resolves when a Lambda target has accepted the payload or no
   * attempt is left.
   *
   * @returns `"abandoned"` when the endpoint was closed first
   */
  deliver(delivery: Delivery): Promise<"settled" | "abandoned">;
  /** Sets the function that invokes Lambda targets. Their deliveries wait until it is set. */
  onInvoke(invoke: Invoke): void;
  close(): void;
}

const DEFAULT_RETRY_ATTEMPTS = 185;
const DEFAULT_EVENT_AGE_SECONDS = 86_400;
const MAX_BACKOFF_MS = 60_000;

export function makeTargetDelivery(options: {
  sqs: Sqs;
  clock: BusinessClock;
  bill: Bill;
  log: (line: string) => void;
}): TargetDelivery {
  const invoker = Promise.withResolvers<Invoke>();
  const closing = new AbortController();

  function giveUp(delivery: Delivery, failure: { code: string; message: string; retries: number }) {
    const { sourceArn, targetArn, deadLetterArn, deadLetterRefusal } = delivery;
    options.log(`${sourceArn} could not reach ${targetArn}: ${failure.message}`);
    if (!deadLetterArn) return;
    try {
      if (deadLetterRefusal !== undefined) throw new Error(deadLetterRefusal);
      options.sqs.send(deadLetterArn, {
        body: delivery.payload,
        attributes: {
          [isSchedule(delivery) ? "SCHEDULE_ARN" : "RULE_ARN"]: sourceArn,
          TARGET_ARN: targetArn,
          ERROR_CODE: failure.code,
          ERROR_MESSAGE: failure.message,
          RETRY_ATTEMPTS: String(failure.retries),
        },
      });
    } catch (error) {
      options.log(`${sourceArn} could not reach ${deadLetterArn}: ${(error as Error).message}`);
    }
  }

  async function invokeWithRetries(delivery: Delivery): Promise<void> {
    const invoke = await invoker.promise;
    const maximum = delivery.maximumRetryAttempts ?? DEFAULT_RETRY_ATTEMPTS;
    const ageSeconds = delivery.maximumEventAgeInSeconds ?? DEFAULT_EVENT_AGE_SECONDS;
    const expiresAt = options.clock.now() + ageSeconds * 1_000;
    for (let retries = 0; !closing.signal.aborted; retries += 1) {
      try {
        return await invoke(delivery.targetArn, JSON.parse(delivery.payload));
      } catch (error) {
        if (closing.signal.aborted) return;
        if (retries >= maximum || options.clock.now() >= expiresAt) {
          const message = error instanceof Error ? error.message : String(error);
          return giveUp(delivery, { code: "INVOCATION_FAILED", message, retries });
        }
        const backoffMs = Math.min(1_000 * 2 ** retries, MAX_BACKOFF_MS);
        await sleep(backoffMs, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  }

  function sendOnce(delivery: Delivery): void {
    try {
      options.sqs.send(delivery.targetArn, { body: delivery.payload, groupId: delivery.groupId });
      options.bill({
        caller: isSchedule(delivery) ? "scheduler" : "events",
        operation: "sqs:SendMessage",
        item: "sqs.request",
        resource: delivery.targetArn.split(":").at(-1) ?? "",
        units: messageUnits([{ MessageBody: delivery.payload }]),
      });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      // A local queue would reject the message again, so there is no retry.
      giveUp(delivery, { code: error.name, message: error.message, retries: 0 });
    }
  }

  return {
    async deliver(delivery) {
      if (isSchedule(delivery)) {
        const operation = "scheduler:Invoke";
        options.bill({ caller: "scheduler", operation, item: "scheduler.invocation", units: 1 });
      }
      if (delivery.refusal !== undefined) {
        giveUp(delivery, { code: "NO_PERMISSIONS", message: delivery.refusal, retries: 0 });
      } else if (delivery.targetArn.startsWith("arn:aws:sqs:")) {
        sendOnce(delivery);
      } else {
        await invokeWithRetries(delivery);
      }
      return closing.signal.aborted ? "abandoned" : "settled";
    },
    onInvoke: (invoke) => invoker.resolve(invoke),
    close: () => closing.abort(),
  };
}

function isSchedule({ sourceArn }: Delivery): boolean {
  return sourceArn.includes(":scheduler:");
}

/** @throws AwsError for a target that is not supported by the local run */
export function assertTargetArn(arn: string | undefined): string {
  if (!arn || !/^arn:aws:(sqs|lambda):[a-z0-9-]+:\d{12}:.+/.test(arn)) {
    throw new AwsError(
      "ValidationException",
      `Target ${arn}: the local run delivers to SQS queues and Lambda functions only.`,
    );
  }
  return arn;
}
