import { fractionOf } from "./random.ts";

/** Faults that stop or confuse an instance, so that it may repeat what it has done. */
export const instanceFaultKinds = [
  "throttle",
  "error",
  "timeout",
  "timeout-applied",
  "crash-before",
  "crash-after",
  "slow",
  "freeze",
  "partial",
] as const;

/** What can happen to an operation or to the run. `docs/reliability.md` describes each. */
export const faultKinds = [
  ...instanceFaultKinds,
  "duplicate",
  "reorder",
  "late",
  "skew",
  "index-lag",
  "stale-read",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** A fault that has struck. */
export interface Struck {
  /** Where and what, such as `submit.PutItem#12:crash-after`: the same in each run of the seed. */
  id: string;
  kind: FaultKind;
  atMs: number;
  /** The instance that it struck, if it struck one. */
  instance: string | undefined;
}

export interface Faults {
  /**
   * Returns the fault of one operation, if it has one.
   *
   * @param point where: each point counts its operations by itself
   * @param weights how often each kind strikes there, in relation to the fault rate
   */
  draw(
    point: string,
    weights: Readonly<Partial<Record<FaultKind, number>>>,
    instance?: string,
  ): FaultKind | undefined;
  /** In the order in which they struck. */
  struck: readonly Struck[];
  /** Faults strike from now on. */
  start(): void;
  /** No fault strikes any more. */
  stop(): void;
}

export interface FaultPlan {
  seed: number;
  /** Of a thousand operations, how many have a fault of weight 1. */
  perMille: number;
  kinds: readonly FaultKind[];
  /** Only these faults, by id, whatever the seed draws. */
  only?: ReadonlySet<string> | undefined;
}

/**
 * Makes the faults of a run. Whether an operation has one depends on the seed, the point and the
 * operation's number at that point only: dropping one fault does not reshuffle the others.
 */
export function makeFaults(plan: FaultPlan, nowMs: () => number): Faults {
  const counts = new Map<string, number>();
  const struck: Struck[] = [];
  let isOn = false;

  return {
    draw(point, weights, instance) {
      if (!isOn) return undefined;
      const count = (counts.get(point) ?? 0) + 1;
      counts.set(point, count);
      const kind = chosen(plan, `${point}#${count}`, weights);
      if (kind === undefined) return undefined;
      struck.push({ id: `${point}#${count}:${kind}`, kind, atMs: nowMs(), instance });
      return kind;
    },
    struck,
    start: () => {
      isOn = true;
    },
    stop: () => {
      isOn = false;
    },
  };
}

function chosen(
  { seed, perMille, kinds, only }: FaultPlan,
  operation: string,
  weights: Readonly<Partial<Record<FaultKind, number>>>,
): FaultKind | undefined {
  let left = fractionOf(`${seed}/fault/${operation}`) * 1_000;
  for (const kind of kinds) {
    const weight = weights[kind];
    if (weight === undefined) continue;
    if (only) {
      if (only.has(`${operation}:${kind}`)) return kind;
      continue;
    }
    left -= weight * perMille;
    if (left < 0) return kind;
  }
  return undefined;
}
