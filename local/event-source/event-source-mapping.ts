import type { Message } from "@aws-sdk/client-sqs";
import type { QueuePollers } from "../aws/sqs/sqs.ts";
import { functionCredentials } from "../lambda/function-credentials.ts";
import { failed, type InvokeResult, RequestTooLargeError } from "../lambda/invoke-result.ts";
import type { Lambdas } from "../lambda/lambdas.ts";
import { DEFAULT_MAX_BATCHES, MAX_REQUEST_BYTES } from "../lambda/limits.ts";
import { invocationsIn, lineageOf, MAX_RECURSIVE_INVOCATIONS } from "../lambda/lineage.ts";
import type { Template } from "../template/resource.ts";
import { failedMessages } from "./batch-result.ts";
import { type MappingConfiguration, readMapping } from "./mapping-configuration.ts";
import { makeQueuePoller, pause, type QueuePoller } from "./queue-poller.ts";
import { eventsWithin, type SqsEventRecord, sqsRecord } from "./sqs-event.ts";
import { makeVisibilityExtender, type VisibilityExtender } from "./visibility-extender.ts";

/** Delay after a failed receive. */
const RETRY_MS = 1_000;

/**
 * Number of batches that start at once; AWS grows from its own initial number up
 * to `MaximumConcurrency`. A batch that has run for a second probably waits for something other than the CPU and
 * no longer counts, so batches that hang do not block the others.
 */
const INITIAL_CONCURRENT_BATCHES = 4;
const INITIAL_BATCH_MS = 1_000;

export interface EventSourceMappings {
  /** Stops polling, and waits until the running batches have ended. */
  close(): Promise<void>;
}

interface MappingOptions {
  lambdas: Pick<Lambdas, "invoke">;
  pollers: QueuePollers;
  log(line: string): void;
  /** Maximum number of concurrent batches of one mapping, within its ScalingConfig. */
  maxBatches?: number;
  /**
   * Logical ids of the functions that are debugged: one batch at a time, whose
   * messages stay invisible until it ends. Default: none.
   */
  inspected?: ReadonlySet<string>;
}

/**
 * Starts every enabled event source mapping of the template. Queues are polled in
 * real time with the credentials of the function, whose role must allow it.
 *
 * A message is deleted after its function has processed it. A failed message
 * becomes visible again when its visibility timeout ends; the queue's redrive
 * policy moves it to the dead-letter queue.
 *
 * @throws Error that names every mapping whose function may not poll its queue
 */
export async function startMappings(
  options: MappingOptions & {
    template: Template;
    awsUrl: string;
  },
): Promise<EventSourceMappings> {
  const { template, awsUrl } = options;
  const mappings = template
    .resources("AWS::Lambda::EventSourceMapping")
    .map((resource) => readMapping(template, resource, awsUrl))
    .filter(({ isEnabled }) => isEnabled)
    .map((mapping) => {
      const credentials = functionCredentials(mapping.functionId);
      const poller = makeQueuePoller({ queueUrl: mapping.queueUrl, awsUrl, credentials });
      const isInspected = options.inspected?.has(mapping.functionId) ?? false;
      const extender = isInspected
        ? makeVisibilityExtender({
            queueUrl: mapping.queueUrl,
            awsUrl,
            log: (error) =>
              options.log(
                `${mapping.logicalId}: the visibility of messages cannot be renewed: ${error}`,
              ),
          })
        : undefined;
      return { mapping, poller, extender };
    });
  try {
    await forEachMapping(mappings, (poller) => poller.check());
    const firstBatches = await forEachMapping(mappings, (poller) => poller.receiveNow());
    const running = mappings.map((mapping, index) =>
      runMapping(mapping, options, firstBatches[index] ?? []),
    );
    return {
      close: async () => {
        await Promise.all(running.map((one) => one.close()));
      },
    };
  } catch (error) {
    for (const { poller } of mappings) poller.close();
    throw error;
  }
}

interface RunnableMapping {
  mapping: MappingConfiguration;
  poller: QueuePoller;
  /** Present when the function is debugged. */
  extender: VisibilityExtender | undefined;
}

async function forEachMapping<T>(
  mappings: RunnableMapping[],
  run: (poller: QueuePoller) => Promise<T>,
): Promise<T[]> {
  const results = await Promise.allSettled(mappings.map(({ poller }) => run(poller)));
  const failures = results.flatMap((result, index) => {
    const { logicalId = "", functionId = "", queueId = "" } = mappings[index]?.mapping ?? {};
    return result.status === "rejected"
      ? [`${logicalId}: function ${functionId} cannot poll queue ${queueId}: ${result.reason}`]
      : [];
  });
  if (failures.length > 0) {
    throw new Error(
      `These event source mappings cannot start; grant their functions sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes:\n- ${failures.join("\n- ")}`,
    );
  }
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

function runMapping(
  { mapping, poller, extender }: RunnableMapping,
  options: MappingOptions,
  firstBatch: Message[],
): EventSourceMappings {
  const log = (line: string) => options.log(`${mapping.logicalId}: ${line}`);
  const allowedBatches = extender ? 1 : (options.maxBatches ?? DEFAULT_MAX_BATCHES);
  const maxBatches = Math.min(mapping.maxConcurrency, allowedBatches);
  const batches = new Set<Promise<void>>();
  /** Resolve when their batch has ended or has run for `INITIAL_BATCH_MS`. */
  const recentBatches = new Set<Promise<void>>();
  let longPoll = new AbortController();
  const closing = new AbortController();

  async function invoke(
    event: { Records: SqsEventRecord[] },
    startByMs: number | undefined,
  ): Promise<void> {
    const causes = event.Records.map(({ attributes }) => lineageOf(attributes.AWSTraceHeader));
    const startWithinMs = startByMs === undefined ? {} : { startWithinMs: startByMs - Date.now() };
    const result = await options.lambdas
      .invoke(mapping.functionId, event, { causes, ...startWithinMs })
      .catch((error: Error): InvokeResult => {
        const isUnhandled = !(error instanceof RequestTooLargeError);
        return { ...failed(error.name, error.message), isUnhandled };
      });
    if (result.isUnhandled) return giveBack(event.Records, result.functionError?.errorType ?? "");
    const { ids, reason } = failedMessages(result, {
      messageIds: event.Records.map(({ messageId }) => messageId),
      reportsFailures: mapping.reportsFailures,
    });
    if (ids.size > 0) {
      const cause = reason === undefined ? "" : ` (${reason})`;
      log(`${ids.size} of ${event.Records.length} messages failed${cause} and return to the queue`);
    }
    const processed = event.Records.filter(({ messageId }) => !ids.has(messageId));
    const undeletedCount = await poller.delete(processed.map(({ receiptHandle }) => receiptHandle));
    if (undeletedCount > 0)
      log(`${undeletedCount} messages could not be deleted and will be received again`);
  }

  /** Returns messages that no handler has seen, after a moment in which the cause may end. */
  async function giveBack(records: SqsEventRecord[], reason: string): Promise<void> {
    log(`${records.length} messages did not reach the function (${reason}) and are given back`);
    await pause(RETRY_MS, closing.signal);
    options.pollers.giveBack(mapping.queueArn, handlesOf(records));
  }

  /** Parks the messages of a chain in which the function was invoked too often, as Lambda does. */
  function withoutLoops(records: SqsEventRecord[]): SqsEventRecord[] {
    if (mapping.allowsRecursion) return records;
    const { loops = [], others = [] } = Object.groupBy(records, ({ attributes }) => {
      const lineage = lineageOf(attributes.AWSTraceHeader);
      const count = invocationsIn(lineage, mapping.functionArn);
      return count >= MAX_RECURSIVE_INVOCATIONS ? "loops" : "others";
    });
    if (loops.length > 0) {
      const isParked = options.pollers.park(mapping.queueArn, handlesOf(loops));
      log(
        `${loops.length} messages belong to a chain that has invoked ${mapping.functionId} ${MAX_RECURSIVE_INVOCATIONS} times and are ${isParked ? "moved to the dead-letter queue" : "dropped"}; RecursiveLoop: Allow lets the function invoke itself`,
      );
    }
    return others;
  }

  async function processBatch(messages: Message[]): Promise<void> {
    // Half of the timeout is left for the function when it starts late.
    const startByMs = extender ? undefined : Date.now() + mapping.visibilityTimeoutMs / 2;
    const records = messages.map((message) => sqsRecord(message, mapping.queueArn));
    for (const event of eventsWithin(MAX_REQUEST_BYTES, withoutLoops(records))) {
      await invoke(event, startByMs);
    }
  }

  function startBatch(messages: Message[]) {
    if (messages.length === 0) return;
    const ended = new AbortController();
    const handles = messages.map(({ ReceiptHandle = "" }) => ReceiptHandle);
    const stopExtending = extender?.extend(handles);
    const batch = processBatch(messages)
      .catch((error: Error) =>
        log(`a batch did not finish and its messages will be received again: ${error.message}`),
      )
      .finally(() => {
        stopExtending?.();
        batches.delete(batch);
        ended.abort();
      });
    batches.add(batch);
    const recent = pause(INITIAL_BATCH_MS, ended.signal).finally(() =>
      recentBatches.delete(recent),
    );
    recentBatches.add(recent);
  }

  /** Waits until one more batch may start. */
  async function waitForCapacity(): Promise<void> {
    while (!closing.signal.aborted) {
      if (batches.size >= maxBatches) await Promise.race(batches);
      else if (recentBatches.size >= INITIAL_CONCURRENT_BATCHES) await Promise.race(recentBatches);
      else return;
    }
  }

  async function poll(): Promise<void> {
    while (!closing.signal.aborted) {
      await waitForCapacity();
      longPoll = new AbortController();
      const { signal } = longPoll;
      const { batchSize: size, windowMs } = mapping;
      try {
        if (!closing.signal.aborted)
          startBatch(await poller.receiveBatch({ size, windowMs, signal }));
      } catch (error) {
        if (closing.signal.aborted) return;
        log(`queue ${mapping.queueId} cannot be polled: ${error}`);
        await pause(RETRY_MS, signal);
      }
    }
  }

  startBatch(firstBatch);
  const polling = poll();
  return {
    close: async () => {
      closing.abort();
      longPoll.abort();
      await polling;
      await Promise.all(batches);
      extender?.close();
      poller.close();
    },
  };
}

function handlesOf(records: readonly SqsEventRecord[]): string[] {
  return records.map(({ receiptHandle }) => receiptHandle);
}
