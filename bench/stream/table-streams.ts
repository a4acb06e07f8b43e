import { setTimeout } from "node:timers/promises";
import type { Item, Written } from "../../local/aws/dynamodb/dynalite.ts";
import type { Lambdas } from "../../local/lambda/lambdas.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";

/** A record of a DynamoDB stream with the new image, as Lambda hands it to a function. */
export interface StreamRecord {
  eventName: "INSERT" | "MODIFY";
  dynamodb: { NewImage: Item; SequenceNumber: string };
}

export interface StreamOptions {
  /** The function that receives the records. */
  functionId: string;
  /** Which changes reach the function; Lambda's filter criteria cost nothing. */
  filter: (written: Written) => boolean;
  batchSize: number;
  windowMs: number;
  log: (line: string) => void;
}

/** The partitions of a new table on demand, which serve 4,000 writes a second. */
const SHARDS = 4;
/**
 * Lambda reads each shard four times a second:
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 */
const POLL_MS = 250;
const MAX_RECORDS_PER_READ = 1_000;
const RETRY_MS = 1_000;

/**
 * The streams of all tables and their event source mapping, in memory: a record reaches the
 * function at the next poll of its shard, without the time that DynamoDB needs to write it there.
 * One batch of a shard at a time, in order; partial batch responses; failed batches are repeated
 * without end.
 */
export function makeTableStreams(options: StreamOptions) {
  const shards = Array.from({ length: SHARDS }, (): StreamRecord[] => []);
  let lastNumber = 0;
  const writtenMs = new Map<string, number>();
  /** From the write of each record until the function was invoked with it for the first time. */
  const waitsMs: number[] = [];
  let batches = 0;

  function onWritten(written: Written): void {
    const { before, after } = written;
    if (!after || !options.filter(written)) return;
    const { lane, id } = after;
    const key = JSON.stringify(lane ?? id);
    const shard = Number.parseInt(sha256Hex(key).slice(0, 4), 16) % SHARDS;
    const SequenceNumber = String(++lastNumber).padStart(21, "0");
    writtenMs.set(SequenceNumber, performance.now());
    const eventName = before ? "MODIFY" : "INSERT";
    shards[shard]?.push({ eventName, dynamodb: { NewImage: after, SequenceNumber } });
  }

  function start(lambdas: Pick<Lambdas, "invoke">) {
    const closing = new AbortController();
    const pause = (ms: number) =>
      setTimeout(ms, undefined, { signal: closing.signal }).catch(() => undefined);

    /** Returns how many records, from the first, the function has processed. */
    async function invoke(Records: readonly StreamRecord[]): Promise<number> {
      batches++;
      for (const { dynamodb } of Records) {
        const sinceMs = writtenMs.get(dynamodb.SequenceNumber);
        if (sinceMs !== undefined) waitsMs.push(performance.now() - sinceMs);
        writtenMs.delete(dynamodb.SequenceNumber);
      }
      const result = await lambdas.invoke(options.functionId, { Records });
      if (result.functionError) {
        options.log(`relay: ${JSON.stringify(result.functionError)}`);
        return 0;
      }
      const { batchItemFailures = [] } = Object(result.payload) as {
        batchItemFailures?: { itemIdentifier: string }[];
      };
      const first = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()[0];
      if (first === undefined) return Records.length;
      return Records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === first);
    }

    async function poll(shard: StreamRecord[]): Promise<void> {
      // Shards are not read at the same instant.
      await pause(Math.random() * POLL_MS);
      while (!closing.signal.aborted) {
        const polledMs = performance.now();
        if (shard.length > 0 && options.windowMs > 0) await gather(shard);
        let left = Math.min(shard.length, MAX_RECORDS_PER_READ);
        while (left > 0 && !closing.signal.aborted) {
          const batch = shard.slice(0, Math.min(left, options.batchSize));
          const done = await invoke(batch);
          shard.splice(0, done);
          left -= done;
          if (done < batch.length) await pause(RETRY_MS);
        }
        await pause(Math.max(0, polledMs + POLL_MS - performance.now()));
      }
    }

    /** Reads on until the batch is full or its window has passed. */
    async function gather(shard: StreamRecord[]): Promise<void> {
      const untilMs = performance.now() + options.windowMs;
      while (shard.length < options.batchSize && performance.now() < untilMs) {
        await pause(Math.min(POLL_MS, untilMs - performance.now()));
        if (closing.signal.aborted) return;
      }
    }

    const polling = shards.map(poll);
    return {
      async close() {
        closing.abort();
        await Promise.all(polling);
      },
    };
  }

  /** Records that reached the function, how long each waited, and the batches, repeated ones included. */
  const figures = () => ({ waitsMs, batches });

  return { onWritten, start, figures };
}
