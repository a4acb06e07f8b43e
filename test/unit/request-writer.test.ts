import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { RequestStore, TextStore } from "../../shared/core/requests/state/ports.ts";
import type { OutboxEntry, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const down = new Failure("DEPENDENCY_DOWN", "it is down");

/** A writer over a store in memory, whose texts are all too large for an item. */
function setUp(change: Partial<RequestStore & TextStore> = {}) {
  const memory = makeMemoryRequests({ clock: makeTestClock(), retentionMs: 1e12 });
  const texts: string[][] = [];
  const reads: string[] = [];
  const requests: RequestStore = {
    ...memory.requests,
    async find(requestId) {
      reads.push(requestId);
      return memory.requests.find(requestId);
    },
    ...change,
  };
  const writer = makeRequestWriter({
    requests,
    texts: {
      async store(requestId, text) {
        texts.push([requestId, text]);
        return { key: `key of ${text}` };
      },
      open: () => Promise.reject(down),
      ...change,
    },
  });
  return { writer, texts, reads, memory: memory.requests };
}

const entry: OutboxEntry = {
  ...{ id: "e1", type: "workflow.created", version: 1, sinceRealMs: 5 },
  envelope: { inline: "envelope" },
};

/** A request with every text that it may have, all of them in the record. */
const withTexts = (of: Partial<RequestRecord> = {}) =>
  requestRecord(newOwner(), {
    ...{ params: { inline: "params" }, result: { inline: "result" } },
    lateResult: { inline: "late" },
    earlierLateResults: [{ inline: "first" }, { key: "stored before" }],
    outbox: [
      { ...entry, raw: { inline: "raw" } },
      { ...entry, id: "e2", claimedInVersion: 3, envelope: { key: "stored before" } },
    ],
    ...of,
  });

const keysInsteadOfTexts = {
  ...{ params: { key: "key of params" }, result: { key: "key of result" } },
  lateResult: { key: "key of late" },
  earlierLateResults: [{ key: "key of first" }, { key: "stored before" }],
  outbox: [
    { ...entry, envelope: { key: "key of envelope" }, raw: { key: "key of raw" } },
    { ...entry, id: "e2", claimedInVersion: 3, envelope: { key: "stored before" } },
  ],
};

describe("A new request", () => {
  test("Its texts are stored first, each once, and the request has their keys", async () => {
    const { writer, texts, memory } = setUp();
    const request = withTexts({ version: 0 });
    const created = await writer.create(request);
    expect(created).toStrictEqual({
      request: { ...request, ...keysInsteadOfTexts, version: 1 },
      isCreated: true,
    });
    expect(await memory.find(request.requestId)).toStrictEqual(created.request);
    const stored = ["params", "result", "late", "first", "envelope", "raw"];
    expect(texts.toSorted()).toEqual(stored.map((text) => [request.requestId, text]).toSorted());
  });

  test("One without texts is stored as it is, and gets none", async () => {
    const { writer, texts } = setUp();
    const request = requestRecord();
    const none = { params: undefined, result: undefined, lateResult: undefined };
    expect(await writer.create(request)).toStrictEqual({
      request: { ...request, ...none },
      isCreated: true,
    });
    expect(texts).toEqual([]);
  });

  test("One whose id is known already is not stored again, and the stored one is returned", async () => {
    const { writer, memory } = setUp();
    const stored = requestRecord(newOwner(), { attempts: 7 });
    await memory.create(stored);
    const created = await writer.create({ ...stored, attempts: 0 });
    expect(created).toStrictEqual({ request: stored, isCreated: false });
    expect(await memory.find(stored.requestId)).toStrictEqual(stored);
  });

  test("One whose texts cannot be stored is not stored", async () => {
    const { writer, memory } = setUp({ store: () => Promise.reject(down) });
    const request = withTexts();
    await expect(writer.create(request)).rejects.toBe(down);
    expect(await memory.find(request.requestId)).toBeUndefined();
  });
});

describe("A request that is replaced", () => {
  test("The version that was read is replaced, with keys in place of its texts", async () => {
    const { writer, memory } = setUp();
    const request = withTexts();
    await memory.create(request);
    const replaced = await writer.replace({ ...request, attempts: 2 });
    expect(replaced).toStrictEqual({ ...request, ...keysInsteadOfTexts, attempts: 2, version: 2 });
    expect(await memory.find(request.requestId)).toStrictEqual(replaced);
  });

  test("Nothing is replaced when another write came first", async () => {
    const { writer, memory } = setUp();
    const request = requestRecord();
    await memory.create(request);
    await memory.replace({ ...request, attempts: 1 });
    expect(await writer.replace({ ...request, attempts: 2 })).toBeUndefined();
    expect(await memory.find(request.requestId)).toMatchObject({ attempts: 1, version: 2 });
  });
});

describe("A request that is changed", () => {
  test("What is decided about the stored request is written", async () => {
    const { writer, memory } = setUp();
    const request = requestRecord();
    await memory.create(request);
    const seen: RequestRecord[] = [];
    const changed = await writer.change(request.requestId, async (now) => {
      seen.push(now);
      return { ...now, attempts: 5, result: { inline: "result" } };
    });
    expect(seen).toEqual([request]);
    const stored = await memory.find(request.requestId);
    expect(stored).toMatchObject({ attempts: 5, result: { key: "key of result" }, version: 2 });
    expect(changed).toStrictEqual({ request: stored, isChanged: true });
  });

  test.each<[string, (now: RequestRecord) => RequestRecord | undefined]>([
    ["nothing", () => undefined],
    ["the request as it is", (now) => now],
  ])("A decision for %s writes nothing", async (_, decide) => {
    const { writer, memory } = setUp({
      replace: () => Promise.reject(new Error("it must not be written")),
    });
    const request = requestRecord();
    await memory.create(request);
    const changed = await writer.change(request.requestId, decide);
    expect(changed).toStrictEqual({ request, isChanged: false });
  });

  test("There is nothing to decide about a request that is not stored", async () => {
    const { writer } = setUp();
    const changed = writer.change(requestRecord().requestId, () => expect.fail("decided"));
    expect(await changed).toBeUndefined();
  });

  test("The error of a decision is that of the change", async () => {
    const { writer, memory } = setUp();
    const request = requestRecord();
    await memory.create(request);
    const refused = new Failure("CONFLICT", "no");
    const changed = writer.change(request.requestId, () => Promise.reject(refused));
    await expect(changed).rejects.toBe(refused);
    expect(await memory.find(request.requestId)).toMatchObject({ version: 1 });
  });

  /** Other writers come first so many times. */
  async function contended(conflicts: number) {
    let left = conflicts;
    const made: ReturnType<typeof setUp> = setUp({
      async replace(next) {
        if (left-- > 0) return undefined;
        return made.memory.replace(next);
      },
    });
    const request = requestRecord();
    await made.memory.create(request);
    const decide = (now: RequestRecord) => ({ ...now, attempts: 5 });
    return {
      reads: made.reads,
      change: (maxAttempts?: number) => made.writer.change(request.requestId, decide, maxAttempts),
    };
  }
  const tooMany = { code: "DEPENDENCY_DOWN", message: "too many writers of one request" };

  test("It is changed at the eighth attempt when other writes come first, each time as it is then", async () => {
    const { change, reads } = await contended(7);
    expect(await change()).toMatchObject({ request: { attempts: 5 }, isChanged: true });
    expect(reads).toHaveLength(8);
  });

  test("It is not changed when other writes come first at all eight attempts", async () => {
    const { change, reads } = await contended(8);
    await expect(change()).rejects.toMatchObject(tooMany);
    expect(reads).toHaveLength(8);
  });

  test("The caller may ask for more attempts", async () => {
    const more = await contended(8);
    expect(await more.change(9)).toMatchObject({ isChanged: true });
    const fewer = await contended(2);
    await expect(fewer.change(2)).rejects.toMatchObject(tooMany);
    expect(fewer.reads).toHaveLength(2);
  });
});
