import { deliverEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { parseMessage, sourceQueue } from "./records.ts";
import { makeObserver, report } from "./report.ts";

const env = readEnvironment("deliver", deliverEnv, process.env);
const telemetry = makeTelemetry("deliver", env.STACK);
const { processMessages } = compose(
  env,
  makeObserver(telemetry),
  process.env.AWS_LAMBDA_RUNTIME_API,
);

export const handler = makeQueueFunction(telemetry, async (records, context) => {
  const queue = sourceQueue(records, env);
  const messages = records.map((record) => parseMessage(record, queue));
  const remainingMs = () => context.getRemainingTimeInMillis();
  const outcomes = await processMessages(messages, { queue, remainingMs });
  return records.filter((record, index) => {
    const outcome = outcomes[index];
    if (outcome) report(telemetry, record, outcome);
    return outcome?.kind === "failed";
  });
});
