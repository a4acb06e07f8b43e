import { randomUUID } from "node:crypto";
import { SQSClient } from "@aws-sdk/client-sqs";
import { makeSqsSendBack } from "../../shared/adapters/sqs/sqs-inbound-queue.ts";
import { makeSqsRedelivery } from "../../shared/adapters/sqs/sqs-redelivery.ts";
import { makeEventPorts } from "../../shared/composition/event-ports.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { composeConsume } from "../../shared/composition/inbound-use-cases.ts";
import { makeProviderPorts } from "../../shared/composition/provider-ports.ts";
import { makeRequestPorts } from "../../shared/composition/request-ports.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { DAY_MS } from "../../shared/runtime/clock.ts";

export interface ConsumeDeps extends ReturnType<typeof composeConsume> {
  /** Delays messages whose event another worker holds. */
  redeliver: ReturnType<typeof makeSqsRedelivery>;
}

export function compose(
  env: ParsedEnvironment<"consume">,
  onIgnoredError: (error: unknown) => void,
): ConsumeDeps {
  const base = makeFunctionBase(env);
  const inbound = { client: new SQSClient(base.sdk), queueUrl: env.INBOUND_QUEUE_URL };
  return {
    ...composeConsume({
      ...makeRequestPorts(base, env, onIgnoredError),
      ...makeEventPorts(base, env),
      ...makeProviderPorts(base, env),
      bodies: base.bodies,
      sendBack: makeSqsSendBack({
        ...inbound,
        businessPerRealSecond: env.BUSINESS_CLOCK.speed,
      }),
      windowMs: env.SETTINGS.dedupeRetentionDays * DAY_MS,
      newOwner: randomUUID,
      claimLeaseMs: env.SETTINGS.claimLeaseSeconds * 1000,
    }),
    redeliver: makeSqsRedelivery({ ...inbound, clock: base.clock }),
  };
}
