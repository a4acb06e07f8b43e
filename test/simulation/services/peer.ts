import type { FaultKind, Faults } from "../engine/faults.ts";
import { type Instance, planIn } from "../engine/instance.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";
import type { History } from "../history.ts";

/** What a provider or an endpoint of the simulation needs. */
export interface PeerDeps {
  loop: Loop;
  faults: Faults;
  random: Random;
  history: History;
}

/** How often each fault strikes a call over HTTP, in relation to the others. */
export const callWeights: Partial<Record<FaultKind, number>> = {
  throttle: 15,
  error: 10,
  timeout: 10,
  "timeout-applied": 10,
  partial: 10,
  "crash-before": 10,
  "crash-after": 10,
  freeze: 5,
  slow: 10,
};

const FREEZE_MS = [20_000, 240_000] as const;

/** Waits in an instance, which may be dead or frozen by then. */
export function pauseIn(loop: Loop, instance: Instance | undefined, ms: number): Promise<void> {
  return new Promise((resolve) => planIn(loop, instance, loop.nowMs() + ms, resolve));
}

/** Freezes or kills the instance that calls, before it calls. */
export function strikeCaller(
  fault: FaultKind | undefined,
  instance: Instance | undefined,
  { loop, random }: PeerDeps,
): void {
  if (!instance) return;
  if (fault === "crash-before") instance.isDead = true;
  if (fault === "freeze") instance.frozenUntilMs = loop.nowMs() + random.int(...FREEZE_MS);
}
