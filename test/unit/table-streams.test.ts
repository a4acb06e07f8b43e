import { expect, onTestFinished, test } from "vitest";
import { makeTableStreams, type StreamRecord } from "../../bench/stream/table-streams.ts";
import type { InvokeResult } from "../../local/lambda/invoke-result.ts";

/** Streams with a function that answers as `answer` says; `batches` are the ids that it received. */
function streamsTo(answer: (records: readonly StreamRecord[], n: number) => InvokeResult) {
  const batches: string[][] = [];
  const streams = makeTableStreams({
    functionId: "relay",
    filter: ({ after }) => after?.ignored === undefined,
    batchSize: 3,
    windowMs: 0,
    log: () => undefined,
  });
  const running = streams.start({
    async invoke(_, payload) {
      const { Records } = payload as { Records: StreamRecord[] };
      batches.push(Records.map(({ dynamodb }) => dynamodb.NewImage.n?.N as string));
      return answer(Records, batches.length);
    },
  });
  onTestFinished(running.close);
  return {
    batches,
    /** All in one shard, because they have one key. */
    write: (n: number, more = {}) =>
      streams.onWritten({
        table: "events",
        before: undefined,
        after: { id: { S: "same" }, n: { N: String(n) }, ...more },
      }),
  };
}

const done: InvokeResult = { payload: { batchItemFailures: [] } };

test("A shard's records reach the function in order, in batches, and without those that the filter refuses", async () => {
  const { batches, write } = streamsTo(() => done);
  for (const n of [1, 2, 3, 4]) write(n);
  write(5, { ignored: { BOOL: true } });
  await expect.poll(() => batches.flat()).toEqual(["1", "2", "3", "4"]);
  expect(batches).toEqual([["1", "2", "3"], ["4"]]);
});

test("A batch is repeated from the first record that failed", async () => {
  const { batches, write } = streamsTo((records, n) => {
    const itemIdentifier = records[1]?.dynamodb.SequenceNumber;
    return n === 1 ? { payload: { batchItemFailures: [{ itemIdentifier }] } } : done;
  });
  for (const n of [1, 2, 3]) write(n);
  await expect
    .poll(() => batches)
    .toEqual([
      ["1", "2", "3"],
      ["2", "3"],
    ]);
});

test("A batch is repeated as a whole when the function fails", async () => {
  const { batches, write } = streamsTo((_, n) =>
    n === 1 ? { payload: {}, functionError: { errorType: "Error", errorMessage: "killed" } } : done,
  );
  for (const n of [1, 2]) write(n);
  await expect
    .poll(() => batches)
    .toEqual([
      ["1", "2"],
      ["1", "2"],
    ]);
});
