import type { Faults } from "./faults.ts";
import { type Instance, makeInstance, running } from "./instance.ts";
import type { Loop } from "./loop.ts";
import type { Random } from "./random.ts";

type Handler = (event: never, context: never) => Promise<unknown>;

/** How an invocation ended, and what it returned. */
export type InvocationEnd =
  | { kind: "ok"; result: unknown }
  | { kind: "error"; error: unknown }
  /** It crashed, or did not end before its timeout. */
  | { kind: "killed" };

/** Real milliseconds after which Lambda ends an invocation. */
export type Timeouts = Readonly<Record<string, number>>;

/** By how much the clock of an instance may be wrong with the fault `skew`, in milliseconds. */
export const MAX_SKEW_MS = 2_000;

/** After this part of the invocations, an instance is replaced by a new one. */
const RECYCLED = 0.1;

interface Warm {
  instance: Instance;
  handler: Handler;
}

/** Lambda: execution environments that are made when none is free, and used again. */
export function makeLambda(of: {
  loop: Loop;
  faults: Faults;
  random: Random;
  timeoutsMs: Timeouts;
  coldStart: (functionName: string) => Handler;
  /** An instance has started whose clock is ahead by this, in milliseconds. */
  onStart: (instance: string, skewMs: number) => void;
  onEnd: (instance: string, fromMs: number, end: InvocationEnd["kind"]) => void;
}) {
  const { loop, faults, random, timeoutsMs, coldStart, onStart, onEnd } = of;
  const free = new Map<string, Warm[]>();
  let started = 0;

  function take(functionName: string): Warm {
    const warm = free.get(functionName)?.pop();
    if (warm) return warm;
    const isWrong = faults.draw("clock", { skew: 100 }) === "skew";
    const skewMs = isWrong ? random.int(-MAX_SKEW_MS, MAX_SKEW_MS) : 0;
    const instance = makeInstance(`${functionName}/${++started}`, functionName, skewMs);
    onStart(instance.name, skewMs);
    return { instance, handler: running.run(instance, () => coldStart(functionName)) };
  }

  function giveBack(functionName: string, warm: Warm): void {
    if (random.chance(RECYCLED)) return;
    const others = free.get(functionName) ?? [];
    free.set(functionName, [...others, warm]);
  }

  /** Never rejects. */
  return async (functionName: string, event: unknown): Promise<InvocationEnd> => {
    const warm = take(functionName);
    const { instance, handler } = warm;
    const fromMs = loop.nowMs();
    const deadlineMs = fromMs + (timeoutsMs[functionName] ?? 10_000);
    const context = { getRemainingTimeInMillis: () => Math.max(0, deadlineMs - loop.nowMs()) };
    const end = await new Promise<InvocationEnd>((resolve) => {
      running
        .run(instance, () => handler(event as never, context as never))
        .then(
          (result) => resolve({ kind: "ok", result }),
          (error: unknown) => resolve({ kind: "error", error }),
        );
      loop.at(deadlineMs, () => resolve({ kind: "killed" }));
    });
    // A frozen instance is not there to be ended: it goes on when it thaws, and nobody waits for it.
    if (end.kind === "killed" && instance.frozenUntilMs <= loop.nowMs()) instance.isDead = true;
    if (end.kind !== "killed") giveBack(functionName, warm);
    onEnd(instance.name, fromMs, end.kind);
    return end;
  };
}
