import { startAws } from "../../local/aws/aws.ts";
import { makeBusinessClock } from "../../local/clock/clock.ts";
import { openDurableStore } from "../../local/durable-store.ts";

/** What `run.ts` was given for the random commands. */
export const parameters = () => ({
  seed: Number(process.env.ACKWIRE_SEED),
  numRuns: Number(process.env.ACKWIRE_RUNS),
});

/** Starts our emulators, without a template. @returns their URL */
export async function openOurs(opened: AsyncDisposableStack): Promise<string> {
  const store = openDurableStore();
  opened.defer(store.close);
  const nowMs = Date.now();
  const clock = makeBusinessClock({ realMs: nowMs, businessMs: nowMs, speed: 1 });
  const aws = await startAws({ port: 0, store, clock, log: (line) => console.log(line) });
  opened.defer(aws.close);
  return aws.url;
}
