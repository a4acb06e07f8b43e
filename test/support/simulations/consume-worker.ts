import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { SQSBatchResponse } from "aws-lambda";
import { failedRecords, pairWithOutcomes } from "../../../functions/consume/records.ts";
import { localAws } from "../../../local/aws/local-aws.ts";
import { makeEventPorts } from "../../../shared/composition/event-ports.ts";
import type { Clock } from "../../../shared/core/clock.ts";
import type { ConsumeOutcome } from "../../../shared/core/inbound/consume-outcomes.ts";
import { makeConsumeWebhooks } from "../../../shared/core/inbound/consume-webhooks.ts";
import { awsClientDefaults } from "../../../shared/runtime/aws-clients.ts";
import { DAY_MS } from "../../../shared/runtime/clock.ts";
import { makeQueueFunction } from "../../../shared/runtime/queue-function.ts";
import { unjoined } from "../fakes/inbound-reader.ts";
import { publisherCredentials } from "../fakes/publisher.ts";
import { linkedApiWebhook } from "../fakes/sender.ts";
import { makeMemoryBlobStore } from "../memory/memory-blob-store.ts";
import type { FaultyRun } from "../runs/faulty-run.ts";

/** Longer than a busy machine needs for any test: a test ends a lease by its own clock. */
export const LEASE_MS = 240_000;

export const realClock: Clock = { realMs: Date.now, businessMs: Date.now };

/** A real clock with a constant error, which a test can put forward. */
export function makeSkewedClock(skewMs: number): Clock & { pass(ms: number): void } {
  let offsetMs = skewMs;
  const now = () => Date.now() + offsetMs;
  return {
    realMs: now,
    businessMs: now,
    pass: (ms) => {
      offsetMs += ms;
    },
  };
}

/** A message of the inbound queue for a webhook of Linked API. */
export function inboundMessage(workflowId: string, over: object = {}): string {
  return JSON.stringify({
    v: 1,
    provider: "linked-api",
    clientId: "cl_1",
    connectionId: "cn_1",
    receivedAtMs: Date.now(),
    bodyBase64: Buffer.from(linkedApiWebhook(workflowId)).toString("base64"),
    ...over,
  });
}

/** `consume` in this process, so that a test decides what is in a batch; its AWS is the fault proxy. */
export function makeWorker(
  run: FaultyRun,
  options: {
    clock?: Clock;
    claimLeaseMs?: number;
    retentionMs?: number;
    /** Waits for AWS without a limit: the test delays one of its calls. */
    isHeld?: boolean;
  } = {},
): (bodies: readonly string[]) => Promise<ConsumeOutcome[]> {
  const { clock = realClock, claimLeaseMs = LEASE_MS, retentionMs = 30 * DAY_MS } = options;
  const awsClientConfig = {
    ...(options.isHeld ? {} : awsClientDefaults),
    ...localAws(run.proxy.url),
    credentials: publisherCredentials,
  };
  const consume = makeConsumeWebhooks({
    ...unjoined({ clock, dedupeRetentionMs: retentionMs }),
    ...makeEventPorts(
      {
        client: DynamoDBDocumentClient.from(new DynamoDBClient(awsClientConfig)),
        awsClientConfig,
        clock,
        bodies: makeMemoryBlobStore(),
      },
      {
        EVENTS_TABLE: run.outputs.EventsTableName ?? "",
        EVENT_BUS_NAME: run.outputs.BusName ?? "",
        SETTINGS: { dedupeRetentionDays: retentionMs / DAY_MS },
      },
    ),
    clock,
    newOwner: randomUUID,
    claimLeaseMs,
  });
  return async (bodies) => (await consume(bodies)).messages;
}

/** The failed message ids that Lambda receives for a batch whose ids are `m0`, `m1` … */
export async function batchItemFailures(
  consume: ReturnType<typeof makeWorker>,
  bodies: readonly string[],
): Promise<string[]> {
  const silent = {
    log: () => undefined,
    count: () => undefined,
    seconds: () => undefined,
    flush: () => undefined,
  };
  const handler = makeQueueFunction(silent, async (records) =>
    failedRecords(pairWithOutcomes(records, await consume(records.map(({ body }) => body)))),
  );
  const Records = bodies.map((body, n) => ({ messageId: `m${n}`, body }));
  const answer = await (handler as unknown as Handler)({ Records }, {});
  return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

/** A handler in the form that Lambda calls. It uses only the id and the body of a record. */
type Handler = (
  event: { Records: { messageId: string; body: string }[] },
  context: object,
) => Promise<SQSBatchResponse>;
