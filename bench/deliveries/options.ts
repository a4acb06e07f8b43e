import { parseArgs } from "node:util";

export const usage = `node bench/deliveries.ts [options]

Without one of the next four: deliveries to 50 endpoints, 27 of them sick, until
each has ended.

  --isolation          the healthy ones' latency alone and beside the sick, in turns
    --rounds N         (3)
    --control          and beside as many healthy ones instead of the sick
  --kills N            kill -9 of everything so often, on the way of deliveries to 20 endpoints
  --calls              AWS calls per delivery that succeeds at once
    --window SECONDS   deliverBatchWindowSeconds (0)
  --flood              many deliveries for an endpoint that hangs, beside ten others
    --seconds N        for which the others are measured (120)
    --control          and for one that does not hang

  --deliveries N       10000; 5000 with --isolation, 1000 with --kills or --calls
  --rate N             events a second: 8; 20 with --isolation, 40 with --kills,
                       50 with --calls, 10 beside the flood
  --speed N            business time: 60; 1 with --isolation, --calls or --flood
  --timeout SECONDS    deliveryTimeoutSeconds: 1; 15 with --isolation, --calls or --flood
  --slack SECONDS      real time that an attempt may wait in queues (15)
  --keep               leave the runs' directories behind`;

const defaults = {
  // More than this the local workers of failing deliveries cannot do (see README.md).
  full: { deliveries: 10_000, rate: 8, speed: 60, timeout: 1 },
  // As it is deployed: what is sped up would be a load that no stage has.
  isolation: { deliveries: 5_000, rate: 20, speed: 1, timeout: 15 },
  kills: { deliveries: 1_000, rate: 40, speed: 60, timeout: 1 },
  calls: { deliveries: 1_000, rate: 50, speed: 1, timeout: 15 },
  flood: { deliveries: 10_000, rate: 10, speed: 1, timeout: 15 },
} as const;

export type Mode = keyof typeof defaults;

export interface BenchOptions {
  mode: Mode;
  deliveries: number;
  rate: number;
  speed: number;
  timeoutSeconds: number;
  slackSeconds: number;
  withControl: boolean;
  rounds: number;
  kills: number;
  seconds: number;
  windowSeconds: number;
  keepsDirectory: boolean;
}

export function readOptions(): BenchOptions | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    options: {
      deliveries: text,
      rate: text,
      speed: text,
      timeout: text,
      slack: { ...text, default: "15" },
      isolation: flag,
      rounds: { ...text, default: "3" },
      control: flag,
      kills: text,
      calls: flag,
      window: { ...text, default: "0" },
      flood: flag,
      seconds: { ...text, default: "120" },
      keep: flag,
      help: flag,
    },
  });
  if (values.help) return "help";
  const mode = modeOf(values);
  const of = defaults[mode];
  return {
    mode,
    deliveries: Number(values.deliveries ?? of.deliveries),
    rate: Number(values.rate ?? of.rate),
    speed: Number(values.speed ?? of.speed),
    timeoutSeconds: Number(values.timeout ?? of.timeout),
    slackSeconds: Number(values.slack),
    withControl: values.control,
    rounds: Number(values.rounds),
    kills: Number(values.kills ?? 0),
    seconds: Number(values.seconds),
    windowSeconds: Number(values.window),
    keepsDirectory: values.keep,
  };
}

function modeOf(of: { isolation: boolean; kills?: string; calls: boolean; flood: boolean }): Mode {
  if (of.isolation) return "isolation";
  if (of.kills !== undefined) return "kills";
  if (of.calls) return "calls";
  return of.flood ? "flood" : "full";
}
