import { Duration } from "aws-cdk-lib";
import type { Settings } from "../shared/contracts/settings.ts";

/** AWS's advice for SQS event sources: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html> */
const VISIBILITY_PER_TIMEOUT = 6;

/** Business time is real time: what every stage but `local` has. */
export const realTime = JSON.stringify({ realMs: 0, businessMs: 0, speed: 1 });

/** The fixed times of the pipeline, in real time, and what is computed from them. */
export const timing = {
  /** Longer than `inboundDeadlineMs`: `ingest` itself answers 503. */
  ingestTimeout: Duration.seconds(5),
  /** Longer than the time in which `api` itself gives up and answers 503. */
  apiTimeout: Duration.seconds(10),
  consumeTimeout: Duration.seconds(10),
  /** Longer than `submitTimeoutSeconds`: the answer is stored before Lambda ends the worker. */
  submitTimeout: Duration.seconds(30),
  /** Less than the interval, so that one sweep ends before the next begins. */
  reconcileTimeout: Duration.seconds(50),
  reconcileInterval: Duration.minutes(1),
  /** Longer than `deliveryTimeoutSeconds` and `deliverMargin`: what a batch began is also stored. */
  deliverTimeout: Duration.seconds(40),
  /** What `deliver` needs beside its POSTs: to read before them, and to store what came of them. */
  deliverMargin: Duration.seconds(10),
  /** A batch of more than 10 messages must wait to fill: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html> */
  retriesBatchWindow: Duration.seconds(1),

  /** How long `consume` has a message before SQS gives it out again. */
  inboundVisibility: ({ consumeBatchWindowSeconds }: Settings): Duration =>
    Duration.seconds(
      VISIBILITY_PER_TIMEOUT * timing.consumeTimeout.toSeconds() + consumeBatchWindowSeconds,
    ),

  /** How long `submit` has a message. Longer than `laneLeaseSeconds`, so that it comes back to a free lane. */
  submitVisibility: (): Duration =>
    Duration.seconds(VISIBILITY_PER_TIMEOUT * timing.submitTimeout.toSeconds()),

  /** How long `deliver` has a message that was in a batch which waited so long. Longer than `deliveryLeaseSeconds`. */
  deliverVisibility: (batchWindow: Duration): Duration =>
    Duration.seconds(
      VISIBILITY_PER_TIMEOUT * timing.deliverTimeout.toSeconds() + batchWindow.toSeconds(),
    ),
};
