import { randomUUID } from "node:crypto";
import { SQSClient } from "@aws-sdk/client-sqs";
import { makeSqsRequeueLater } from "../../shared/adapters/sqs/sqs-inbound-queue.ts";
import { makeSqsRetryVisibility } from "../../shared/adapters/sqs/sqs-retry-visibility.ts";
import { makeEventPorts } from "../../shared/composition/event-ports.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { composeConsume } from "../../shared/composition/inbound-use-cases.ts";
import { makeProviderPorts } from "../../shared/composition/provider-ports.ts";
import { makeRequestPorts } from "../../shared/composition/request-ports.ts";
import { tracingDeps } from "../../shared/composition/tracing-deps.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { DAY_MS } from "../../shared/runtime/clock.ts";

export interface ConsumeUseCases extends ReturnType<typeof composeConsume> {
  /** Sets when failed messages are received again, where that time is known. */
  setRetryVisibility: ReturnType<typeof makeSqsRetryVisibility>;
}

export function compose(
  env: ParsedEnvironment<"consume">,
  onNonFatalError: (error: unknown) => void,
): ConsumeUseCases {
  const base = makeFunctionBase(env, onNonFatalError);
  const inbound = { client: new SQSClient(base.awsClientConfig), queueUrl: env.INBOUND_QUEUE_URL };
  return {
    ...composeConsume({
      ...makeRequestPorts(base, env, onNonFatalError),
      ...makeEventPorts(base, env),
      ...makeProviderPorts(base, env),
      ...tracingDeps(env),
      bodies: base.bodies,
      requeueLater: makeSqsRequeueLater({
        ...inbound,
        businessPerRealSecond: env.BUSINESS_CLOCK.speed,
      }),
      dedupeRetentionMs: env.SETTINGS.dedupeRetentionDays * DAY_MS,
      newOwner: randomUUID,
      claimLeaseMs: env.SETTINGS.claimLeaseSeconds * 1000,
    }),
    setRetryVisibility: makeSqsRetryVisibility({ ...inbound, clock: base.clock }),
  };
}
