import { AsyncLocalStorage } from "node:async_hooks";
import type { Loop } from "./loop.ts";

/** One execution environment of a function: it has at most one invocation at a time. */
export interface Instance {
  /** The function and a number, such as `submit/3`. */
  name: string;
  functionName: string;
  /** By how much its clock is ahead, in milliseconds. */
  skewMs: number;
  /** It has crashed, or Lambda has stopped it: nothing in it happens any more. */
  isDead: boolean;
  /** Until when nothing happens in it; it continues after that. */
  frozenUntilMs: number;
}

/** The instance whose code runs. Nothing for the code of the simulator. */
export const running = new AsyncLocalStorage<Instance>();

export function makeInstance(name: string, functionName: string, skewMs: number): Instance {
  return { name, functionName, skewMs, isDead: false, frozenUntilMs: 0 };
}

/**
 * Plans a step in an instance: not while it is frozen, and never once it is dead. Without an
 * instance, it is a step as any other.
 */
export function planIn(
  loop: Loop,
  instance: Instance | undefined,
  ms: number,
  step: () => void,
): void {
  loop.at(ms, () => {
    if (instance?.isDead) return;
    if (instance && instance.frozenUntilMs > loop.nowMs()) {
      return planIn(loop, instance, instance.frozenUntilMs, step);
    }
    step();
  });
}
