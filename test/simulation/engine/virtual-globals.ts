import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { planIn, running } from "./instance.ts";
import type { Loop } from "./loop.ts";
import type { Random } from "./random.ts";

/** What the functions' code takes from its process, in place of Node's. */
interface Source {
  loop: Loop;
  /** Ids, owners, secrets and draws of the functions. */
  random: Random;
}

let source: Source | undefined;

/** From now on, this run is the source of time and chance. */
export function takeFrom(of: Source): void {
  source = of;
}

function current(): Source {
  if (!source) throw new Error("no simulation is running");
  return source;
}

/** Time as the running instance's clock shows it. */
const nowMs = () => current().loop.nowMs() + (running.getStore()?.skewMs ?? 0);

const bytes = (count: number) =>
  Buffer.from(Array.from({ length: count }, () => current().random.int(0, 255)));

function uuid(): `${string}-${string}-${string}-${string}-${string}` {
  const hex = bytes(16).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A signal that aborts in virtual time. */
function timeoutSignal(ms: number): AbortSignal {
  const { loop } = current();
  const controller = new AbortController();
  const reason = Object.assign(new Error("The operation timed out"), { name: "TimeoutError" });
  planIn(loop, running.getStore(), loop.nowMs() + ms, () => controller.abort(reason));
  return controller.signal;
}

function sleep<T>(ms = 0, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
  const { loop } = current();
  return new Promise((resolve, reject) => {
    const abort = () => reject(Object.assign(new Error("aborted"), { name: "AbortError" }));
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    planIn(loop, running.getStore(), loop.nowMs() + ms, () => resolve(value as T));
  });
}

/**
 * Replaces, in this process, everything by which the functions know the time or draw numbers.
 * Timers with callbacks are not among it: only the two HTTP adapters use them, which the simulator
 * replaces.
 */
export function installVirtualGlobals(): void {
  Date.now = nowMs;
  Math.random = () => current().random.next();
  AbortSignal.timeout = timeoutSignal;
  Object.assign(timers, { setTimeout: sleep });
  Object.assign(crypto, { randomUUID: uuid, randomBytes: bytes });
  syncBuiltinESMExports();
}
