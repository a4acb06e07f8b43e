import { randomUUID } from "node:crypto";
import { SQSClient } from "@aws-sdk/client-sqs";
import { makeDynamoDeliveryInputs } from "../../shared/adapters/dynamo/dynamo-delivery-inputs.ts";
import { makeDynamoEventReader } from "../../shared/adapters/dynamo/dynamo-event-reader.ts";
import { makeHttpWebhookPoster } from "../../shared/adapters/http/http-webhook-poster.ts";
import { randomHex } from "../../shared/adapters/random-hex.ts";
import { readDeadline } from "../../shared/adapters/read-deadline.ts";
import { makeSqsRetryVisibility } from "../../shared/adapters/sqs/sqs-retry-visibility.ts";
import { sleep } from "../../shared/adapters/timers-sleep.ts";
import { makeDeliveryPorts } from "../../shared/composition/delivery-ports.ts";
import {
  composeMessageProcessing,
  type DeliveryObserver,
} from "../../shared/composition/delivery-use-cases.ts";
import { makeEventPorts } from "../../shared/composition/event-ports.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { tracingDeps } from "../../shared/composition/tracing-deps.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";

export interface DeliverDeps extends ReturnType<typeof composeMessageProcessing> {
  /** Sets when failed events are received again. */
  setRetryVisibility: ReturnType<typeof makeSqsRetryVisibility>;
}

/** @param runtimeApi host and port of Lambda's runtime API, to which no webhook is posted */
export function compose(
  env: ParsedEnvironment<"deliver">,
  observer: DeliveryObserver,
  runtimeApi: string | undefined,
): DeliverDeps {
  const base = makeFunctionBase(env, observer.onNonFatalError);
  const { client, clock, bodies } = base;
  const ports = makeDeliveryPorts(base, env);
  const processing = composeMessageProcessing({
    ...ports,
    ...makeEventPorts(base, env),
    ...observer,
    ...tracingDeps(env),
    inputs: makeDynamoDeliveryInputs({
      client,
      tables: {
        config: env.CONFIG_TABLE,
        deliveries: env.DELIVERIES_TABLE,
        requests: env.REQUESTS_TABLE,
      },
    }),
    poster: makeHttpWebhookPoster({
      targets: env.WEBHOOK_TARGETS,
      timeoutMs: ports.rules.timeoutMs,
      lambdaRuntimeApi: runtimeApi,
    }),
    findEvent: makeDynamoEventReader({ client, clock, bodies, tableName: env.EVENTS_TABLE }).find,
    masterKeys: (keyId) => base.readMasterKeys(readDeadline(), keyId),
    newOwner: randomUUID,
    random: Math.random,
    randomHex,
    sleep,
    claimLeaseMs: env.SETTINGS.claimLeaseSeconds * 1000,
  });
  const setRetryVisibility = makeSqsRetryVisibility({
    client: new SQSClient(base.awsClientConfig),
    queueUrl: env.FANOUT_QUEUE_URL,
    clock,
  });
  return { ...processing, setRetryVisibility };
}
