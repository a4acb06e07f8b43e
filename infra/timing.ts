import { Duration } from "aws-cdk-lib";
import type { Settings } from "../shared/contracts/settings.ts";

/** AWS's advice for SQS event sources: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html> */
const VISIBILITY_PER_TIMEOUT = 6;

/** From the end of the lease of an attempt until its message comes back. */
const ATTEMPT_VISIBILITY_AFTER_LEASE_SECONDS = 15;

/** Business time equals real time: the value for every stage except `local`. */
export const realTime = JSON.stringify({ realMs: 0, businessMs: 0, speed: 1 });

/** The fixed real times of the pipeline, and times computed from them. */
export const timing = {
  /** Longer than `inboundDeadlineMs`: `ingest` itself answers 503. */
  ingestTimeout: Duration.seconds(5),
  /**
   * Longer than any deadline after which `api` itself answers 503, and shorter than API Gateway
   * waits: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
   */
  apiTimeout: Duration.seconds(28),
  consumeTimeout: Duration.seconds(10),
  /**
   * Longer than `submitTimeoutSeconds`, so that the provider's answer is stored before
   * Lambda stops the worker.
   */
  submitTimeout: Duration.seconds(30),
  /** Shorter than the interval, so that sweeps do not overlap. */
  reconcileTimeout: Duration.seconds(50),
  reconcileInterval: Duration.minutes(1),
  /**
   * Longer than `deliveryTimeoutSeconds` plus `deliverMargin`, so that the result of every
   * POST is stored.
   */
  deliverTimeout: Duration.seconds(40),
  /**
   * Time that `deliver` needs in addition to its POSTs: to read before them and to store
   * their results.
   */
  deliverMargin: Duration.seconds(10),
  /** A batch of more than 10 messages must wait to fill: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html> */
  retriesBatchWindow: Duration.seconds(1),

  /** The visibility timeout of the inbound queue. */
  inboundVisibility: ({ consumeBatchWindowSeconds }: Settings): Duration =>
    Duration.seconds(
      VISIBILITY_PER_TIMEOUT * timing.consumeTimeout.toSeconds() + consumeBatchWindowSeconds,
    ),

  /**
   * The visibility timeout of the submit queue. Longer than `laneLeaseSeconds`, so that the
   * lane is free when a message is received again.
   */
  submitVisibility: (): Duration =>
    Duration.seconds(VISIBILITY_PER_TIMEOUT * timing.submitTimeout.toSeconds()),

  /** The visibility timeout of the events queue (`fanout`). */
  fanoutVisibility: ({ deliverBatchWindowSeconds }: Settings): Duration =>
    Duration.seconds(
      VISIBILITY_PER_TIMEOUT * timing.deliverTimeout.toSeconds() + deliverBatchWindowSeconds,
    ),

  /**
   * The visibility timeout of a queue of attempts with this batch window: a crashed worker's
   * attempt is made again after it (decision 035). Longer than the lease of an attempt that is
   * claimed as soon as its message is received.
   */
  attemptVisibility: ({ deliveryLeaseSeconds }: Settings, batchWindow: Duration): Duration =>
    Duration.seconds(
      deliveryLeaseSeconds + ATTEMPT_VISIBILITY_AFTER_LEASE_SECONDS + batchWindow.toSeconds(),
    ),

  /** For so long a dependency of attempts may be down before their messages are dead letters. */
  attemptOutage: Duration.minutes(32),
};
