import type { Message } from "@aws-sdk/client-sqs";
import { functionCredentials } from "../lambda/function-credentials.ts";
import { failed } from "../lambda/invoke-result.ts";
import type { Lambdas } from "../lambda/lambdas.ts";
import { DEFAULT_MAX_BATCHES, MAX_REQUEST_BYTES } from "../lambda/limits.ts";
import type { Template } from "../template/resource.ts";
import { failedMessages } from "./batch-result.ts";
import { type MappingConfiguration, readMapping } from "./mapping-configuration.ts";
import { makeQueuePoller, pause, type QueuePoller } from "./queue-poller.ts";
import { eventsWithin, type SqsEventRecord, sqsRecord } from "./sqs-event.ts";
import { makeVisibilityExtender, type VisibilityExtender } from "./visibility-extender.ts";

/** How long a mapping leaves the queue alone after it could not be asked. */
const RETRY_MS = 1_000;

/**
 * So many batches are begun at once, where AWS grows up to `MaximumConcurrency`: more
 * processes two cores have nothing from. One that takes longer than a second waits for
 * something else than them, and does not count: nothing stands behind batches that hang.
 */
const YOUNG_BATCHES = 4;
const YOUNG_MS = 1_000;

export interface EventSourceMappings {
  /** Asks no queue any more, and lets the batches under way end. */
  close(): Promise<void>;
}

interface MappingOptions {
  lambdas: Pick<Lambdas, "invoke">;
  log(line: string): void;
  /** Batches of one mapping at the same time, whatever more its ScalingConfig allows. */
  maxBatches?: number;
  /**
   * Logical ids of the functions that are debugged: one batch at a time, whose
   * messages stay invisible until it ends. Default: none.
   */
  inspected?: ReadonlySet<string>;
}

/**
 * Starts every enabled event source mapping of the template: queues are polled
 * in real time, in the name of the function, whose role must allow it.
 *
 * A message is deleted when its function has done with it; one that failed
 * appears again when its visibility timeout ends, and goes to the dead-letter
 * queue by the queue's own count.
 *
 * @throws one error that names every mapping whose function may not poll its queue
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
        ? makeVisibilityExtender({ queueUrl: mapping.queueUrl, awsUrl })
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
  const refused = results.flatMap((result, index) => {
    const { logicalId = "", functionId = "", queueId = "" } = mappings[index]?.mapping ?? {};
    return result.status === "rejected"
      ? [`${logicalId}: function ${functionId} cannot poll queue ${queueId}: ${result.reason}`]
      : [];
  });
  if (refused.length > 0) {
    throw new Error(
      `These event source mappings cannot start; grant their functions sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes:\n- ${refused.join("\n- ")}`,
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
  /** Each ends with its batch, or when that is young no more. */
  const young = new Set<Promise<void>>();
  let longPoll = new AbortController();
  let isClosing = false;

  async function invoke(event: { Records: SqsEventRecord[] }): Promise<void> {
    const result = await options.lambdas
      .invoke(mapping.functionId, event)
      .catch((error: Error) => failed(error.name, error.message));
    const { ids, reason } = failedMessages(result, {
      messageIds: event.Records.map(({ messageId }) => messageId),
      reportsFailures: mapping.reportsFailures,
    });
    if (ids.size > 0) {
      const why = reason === undefined ? "" : ` (${reason})`;
      log(`${ids.size} of ${event.Records.length} messages failed${why} and go back to the queue`);
    }
    const done = event.Records.filter(({ messageId }) => !ids.has(messageId));
    const keptCount = await poller.delete(done.map(({ receiptHandle }) => receiptHandle));
    if (keptCount > 0) log(`${keptCount} messages could not be deleted and will come again`);
  }

  async function workOff(messages: Message[]): Promise<void> {
    const records = messages.map((message) => sqsRecord(message, mapping.queueArn));
    for (const event of eventsWithin(MAX_REQUEST_BYTES, records)) await invoke(event);
  }

  function startBatch(messages: Message[]) {
    if (messages.length === 0) return;
    const ended = new AbortController();
    const handles = messages.map(({ ReceiptHandle = "" }) => ReceiptHandle);
    const stopExtending = extender?.extend(handles);
    const batch = workOff(messages)
      .catch((error: Error) =>
        log(`a batch was not finished and will come again: ${error.message}`),
      )
      .finally(() => {
        stopExtending?.();
        batches.delete(batch);
        ended.abort();
      });
    batches.add(batch);
    const youth = pause(YOUNG_MS, ended.signal).finally(() => young.delete(youth));
    young.add(youth);
  }

  /** Waits until one more batch may begin. */
  async function room(): Promise<void> {
    while (!isClosing) {
      if (batches.size >= maxBatches) await Promise.race(batches);
      else if (young.size >= YOUNG_BATCHES) await Promise.race(young);
      else return;
    }
  }

  async function poll(): Promise<void> {
    while (!isClosing) {
      await room();
      longPoll = new AbortController();
      const { signal } = longPoll;
      const { batchSize: size, windowMs } = mapping;
      try {
        if (!isClosing) startBatch(await poller.receiveBatch({ size, windowMs, signal }));
      } catch (error) {
        if (isClosing) return;
        log(`cannot poll queue ${mapping.queueId}: ${error}`);
        await pause(RETRY_MS, signal);
      }
    }
  }

  startBatch(firstBatch);
  const polling = poll();
  return {
    close: async () => {
      isClosing = true;
      longPoll.abort();
      await polling;
      await Promise.all(batches);
      extender?.close();
      poller.close();
    },
  };
}
