import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startHostileEndpoints } from "../support/fakes/hostile-endpoints.ts";
import { atLeast, atMost, none, type Proof } from "./proof.ts";

const GRACE_MS = 250;
const MAX_READ_BYTES = 65_536;
const MAX_GROWTH_BYTES = 8_000_000;

/** The largest body that a delivery has. */
const largestBody = "x".repeat(240_000);

/**
 * S2: posts to each hostile endpoint many times at once, one endpoint after the other.
 *
 * @param options.parallel POSTs to one endpoint at a time; default 1,000
 * @param options.timeoutMs of each attempt, in real time
 */
export async function proveEndpoints({ parallel = 1_000, timeoutMs = 5_000 } = {}): Promise<Proof> {
  const endpoints = await startHostileEndpoints();
  const { names } = endpoints;
  let longestMs = 0;
  let mostBytes = 0;
  const open: string[] = [];
  const post = async (name: string) => {
    const body = name === "never reads" ? largestBody : "{}";
    const { posted, sockets, readBytes } = await endpoints.post(name, { body, timeoutMs });
    longestMs = Math.max(longestMs, posted.durationMs);
    mostBytes = Math.max(mostBytes, readBytes);
    if (sockets.some(({ destroyed }) => !destroyed)) open.push(name);
  };
  const crowd = (name: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => post(name)));

  try {
    // A first round, so that compiled code and the runtime's caches are not measured.
    for (const name of names) await crowd(name, Math.ceil(parallel / 20));
    longestMs = 0;
    const beforeBytes = memoryBytes();
    for (const name of names) await crowd(name, parallel);
    const grownBytes = Math.max(0, memoryBytes() - beforeBytes);
    return {
      id: "S2",
      title: `Hostile endpoints, ${parallel.toLocaleString("en-US")} attempts at once for each, with a timeout of ${timeoutMs} ms`,
      figures: [
        atLeast("hostile endpoints", names.length, 16),
        atLeast("attempts", names.length * parallel, 16 * parallel),
        atMost(
          "longest attempt in ms over its timeout",
          Math.max(0, longestMs - timeoutMs),
          GRACE_MS,
        ),
        atMost("most bytes read by an attempt", mostBytes, MAX_READ_BYTES),
        none("attempts that left a connection open", open),
        atMost("growth of the heap and of buffers in bytes", grownBytes, MAX_GROWTH_BYTES),
      ],
    };
  } finally {
    await endpoints.close();
  }
}

/** The size of the heap after a collection, and of what it refers to outside of it: buffers. */
export function memoryBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  // The buffers that one collection has found are given back by the next one at the latest.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
