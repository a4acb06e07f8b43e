import { deliverEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { makeObserver, report } from "./report.ts";
import { cameFromQueue, workOf } from "./request.ts";

const env = readEnvironment("deliver", deliverEnv, process.env);
const telemetry = makeTelemetry("deliver");
const { handleDeliveryWork } = compose(
  env,
  makeObserver(telemetry),
  process.env.AWS_LAMBDA_RUNTIME_API,
);

export const handler = makeQueueFunction(telemetry, async (records, context) => {
  const lane = cameFromQueue(env.ATTEMPTS_QUEUE_URL, records) ? "prompt" : "careful";
  const remainingMs = () => context.getRemainingTimeInMillis();
  const outcomes = await handleDeliveryWork(records.map(workOf), { lane, remainingMs });
  return records.filter((record, at) => {
    const outcome = outcomes[at];
    if (outcome) report(telemetry, record.messageId, outcome);
    return outcome?.kind === "failed";
  });
});
