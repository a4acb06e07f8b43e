import { expect, test } from "vitest";
import { retryOnConflict } from "../../shared/core/retry-on-conflict.ts";

interface Counter {
  version: number;
  count: number;
}

/** One counter; `conflicts` other writers come first, one before each of our writes. */
function makeStore(conflicts: number) {
  let reads = 0;
  const store: { current: Counter | undefined; reads: () => number } = {
    current: { version: 1, count: 10 },
    reads: () => reads,
  };
  return {
    store,
    find: async () => {
      reads++;
      return store.current;
    },
    async replace(next: Counter): Promise<Counter | undefined> {
      const { current } = store;
      if (current && conflicts-- > 0) {
        store.current = { version: current.version + 1, count: current.count + 100 };
      }
      if (store.current?.version !== next.version) return undefined;
      store.current = { ...next, version: next.version + 1 };
      return store.current;
    },
  };
}

const increment = (counter: Counter): Counter => ({ ...counter, count: counter.count + 1 });

test("retryOnConflict writes the decided item", async () => {
  const { store, find, replace } = makeStore(0);
  const result = await retryOnConflict({ find, decide: increment, replace, maxAttempts: 3 });
  expect(result).toEqual({ kind: "written", written: { version: 2, count: 11 } });
  expect(store.current?.count).toBe(11);
});

test("retryOnConflict decides again on the stored item when another write came first", async () => {
  const { store, find, replace } = makeStore(2);
  const result = await retryOnConflict({ find, decide: increment, replace, maxAttempts: 3 });
  expect(result).toEqual({ kind: "written", written: { version: 4, count: 211 } });
  expect(store.reads()).toBe(3);
});

test("retryOnConflict reports a conflict without a write when every attempt lost", async () => {
  const { store, find, replace } = makeStore(3);
  const result = await retryOnConflict({ find, decide: increment, replace, maxAttempts: 3 });
  expect(result).toEqual({ kind: "conflict" });
  expect(store.current?.count).toBe(310);
});

test("retryOnConflict returns the stored item when there is nothing to change", async () => {
  const { store, find, replace } = makeStore(0);
  const result = await retryOnConflict({
    find,
    decide: () => undefined,
    replace,
    maxAttempts: 3,
  });
  expect(result).toEqual({ kind: "unchanged", item: { version: 1, count: 10 } });
  expect(store.current?.version).toBe(1);
});

test("retryOnConflict reports a missing item", async () => {
  const { store, replace } = makeStore(0);
  store.current = undefined;
  const find = async () => store.current;
  const result = await retryOnConflict({ find, decide: increment, replace, maxAttempts: 3 });
  expect(result).toEqual({ kind: "missing" });
});

test("retryOnConflict skips only its first read for a known item", async () => {
  const { store, find, replace } = makeStore(1);
  const known = { version: 1, count: 10 };
  const result = await retryOnConflict({ known, find, decide: increment, replace, maxAttempts: 3 });
  expect(result).toEqual({ kind: "written", written: { version: 3, count: 111 } });
  expect(store.reads()).toBe(1);
});

test("retryOnConflict throws the error of decide without another attempt", async () => {
  const { store, find, replace } = makeStore(0);
  const decide = () => {
    throw new Error("not allowed");
  };
  await expect(retryOnConflict({ find, decide, replace, maxAttempts: 3 })).rejects.toThrow(
    "not allowed",
  );
  expect(store.reads()).toBe(1);
});
