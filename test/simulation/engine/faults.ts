import { fractionOf, hashOf, mixed } from "./random.ts";

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

/** How often each kind strikes an operation, in relation to the fault rate. */
export type Weights = Readonly<Partial<Record<FaultKind, number>>>;

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
  draw(point: string, weights: Weights, instance?: string): FaultKind | undefined;
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
  /** Every outage outlasts the attempts of the SDK, instead of one half of them. */
  lastsAlways?: boolean | undefined;
  /** Told of each operation that can have a fault, with the kinds that it can have. */
  onOperation?: ((operation: string, kinds: readonly string[]) => void) | undefined;
  /** Told of each command that the simulated DynamoDB carries out. */
  onDynamoDbCommand?: ((name: string, input: unknown) => void) | undefined;
}

/**
 * By how much more often a kind strikes in a run: drawn for each kind and seed, so that one run has
 * many crashes and another one many duplicates.
 */
const RATES = [0, 0.3, 1, 1, 1, 3, 10] as const;

const rateOf = (seed: number, kind: FaultKind) =>
  RATES[Math.floor(fractionOf(`${seed}/rate/${kind}`) * RATES.length)] ?? 1;

/** One seed of ten has hardly any fault: it shows what must happen promptly when there is none. */
const calmness = (seed: number) => (fractionOf(`${seed}/calm`) < 0.1 ? 0.01 : 1);

/**
 * Makes the faults of a run. Whether an operation has one depends on the seed, the point and the
 * operation's number at that point only: dropping one fault does not reshuffle the others.
 */
export function makeFaults(plan: FaultPlan, nowMs: () => number): Faults {
  const points = new Map<string, { hash: number; count: number }>();
  const rates = Object.fromEntries(
    faultKinds.map((kind) => [kind, plan.perMille * calmness(plan.seed) * rateOf(plan.seed, kind)]),
  );
  const struck: Struck[] = [];
  let isOn = false;

  /** The draw of one operation: it depends on the seed, the point and the operation's number. */
  function drawn(of: { hash: number; count: number }, weights: Weights): FaultKind | undefined {
    let left = (mixed(of.hash + Math.imul(of.count, 0x9e3779b1)) / 2 ** 32) * 1_000;
    for (const kind of plan.kinds) {
      const weight = weights[kind];
      if (weight === undefined) continue;
      left -= weight * (rates[kind] ?? 0);
      if (left < 0) return kind;
    }
    return undefined;
  }

  return {
    draw(point, weights, instance) {
      if (!isOn) return undefined;
      let at = points.get(point);
      if (!at) {
        at = { hash: hashOf(`${plan.seed}/fault/${point}`), count: 0 };
        points.set(point, at);
      }
      at.count++;
      plan.onOperation?.(`${point}#${at.count}`, Object.keys(weights));
      const kind = plan.only
        ? named(plan.only, `${point}#${at.count}`, weights)
        : drawn(at, weights);
      if (kind === undefined) return undefined;
      struck.push({ id: `${point}#${at.count}:${kind}`, kind, atMs: nowMs(), instance });
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

function named(
  only: ReadonlySet<string>,
  operation: string,
  weights: Weights,
): FaultKind | undefined {
  if (only.size === 0) return undefined;
  return faultKinds.find((kind) => kind in weights && only.has(`${operation}:${kind}`));
}
