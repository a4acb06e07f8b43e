import type { Report } from "../run/report.ts";
import { checkDeliveries } from "./checks.ts";
import { mixture } from "./mixture.ts";
import type { BenchOptions } from "./options.ts";
import { LONGEST_DELAY_MS } from "./schedule.ts";
import { runSteadyLoad } from "./steady-load.ts";

/** Deliveries to healthy and sick endpoints, until every one of them has ended. */
export async function runFull(report: Report, options: BenchOptions): Promise<void> {
  const { speed, slackSeconds } = options;
  const side = { name: "healthy, beside the sick", behaviours: mixture };
  const { load } = await runSteadyLoad(report, options, side);
  try {
    load.note(
      "waiting for the last attempts of the sick, 27 h 35 m of business time after the first",
    );
    const sick = load.events.filter(({ endpoint }) => mixture[endpoint] !== "healthy").length;
    const quietSeconds = LONGEST_DELAY_MS / 1000 / speed + 2 * slackSeconds;
    await load.until(() => load.failures.events() >= sick, quietSeconds);
    await checkDeliveries({ report, load, speed, slackSeconds });
  } finally {
    await load.close();
  }
}
