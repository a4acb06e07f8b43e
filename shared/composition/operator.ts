import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { SQSClient } from "@aws-sdk/client-sqs";
import { makeCloudWatchAlarms } from "../adapters/cloudwatch-alarms.ts";
import { makeDynamoOperatorKeys } from "../adapters/dynamo/dynamo-api-keys.ts";
import { makeDynamoAudit } from "../adapters/dynamo/dynamo-audit.ts";
import { makeDynamoDeliveryInputs } from "../adapters/dynamo/dynamo-delivery-inputs.ts";
import { makeDynamoTraffic } from "../adapters/dynamo/dynamo-traffic.ts";
import { randomHex } from "../adapters/random-hex.ts";
import { makeSqsWorkQueues, type QueueUrls } from "../adapters/sqs/sqs-work-queues.ts";
import type { ParsedEnvironment } from "../contracts/env.ts";
import type { AlarmsView } from "../contracts/http/operator/overview.ts";
import { makeAudited } from "../core/audit/audit.ts";
import { makeClientOf, makeOperatorHandlers } from "../core/operator/operator-handlers.ts";
import type { OperatorDeps } from "../core/operator/ports.ts";
import { makeServeOperator } from "../core/operator/serve-operator.ts";
import { makeExplainWaits } from "../core/requests/lanes/explain-waits.ts";
import { providerClients } from "../providers/provider-clients.ts";
import { type ApiObserver, composeClientApi } from "./client-api.ts";
import { makeDeliveryContext } from "./delivery-use-cases.ts";
import { makeFunctionBase } from "./function-base.ts";
import { composeQuarantine } from "./quarantine.ts";
import { makeDecisionContext } from "./request-use-cases.ts";

/** Longer than an invocation of the function can last (real time): its changes have ended by then. */
const AWAIT_OUTCOME_MS = 120_000;

/** Composes the operator API. */
export function composeOperator(env: ParsedEnvironment<"operator">, observer: ApiObserver) {
  const base = makeFunctionBase(env, observer.onNonFatalError);
  const { client, clock, awsClientConfig: aws } = base;
  const { ports, masterKeys, ...useCases } = composeClientApi(base, env, observer);
  const { store, requestPorts, providerPorts, deliveryPorts } = ports;
  const audit = makeDynamoAudit({ client, tableName: env.AUDIT_TABLE, clock });
  const quarantine = composeQuarantine({
    ...{ aws, clock },
    bucket: env.BODIES_BUCKET,
    inboundQueueUrl: env.INBOUND_QUEUE_URL,
  });
  const deps: OperatorDeps = {
    ...useCases,
    ...{ store, masterKeys, audit, clock },
    webhookStore: deliveryPorts.webhooks,
    requestStore: requestPorts.requests,
    lanes: requestPorts.lanes,
    references: requestPorts.references,
    texts: requestPorts.texts,
    deliveryStore: deliveryPorts.deliveries,
    jobs: deliveryPorts.jobs,
    inputs: makeDynamoDeliveryInputs({
      client,
      tables: {
        config: env.CONFIG_TABLE,
        deliveries: env.DELIVERIES_TABLE,
        requests: env.REQUESTS_TABLE,
      },
    }),
    quarantine: quarantine.contents,
    releaseQuarantine: quarantine.release,
    readConnection: (connectionId) => providerPorts.connections.readUncached(connectionId),
    queues: makeSqsWorkQueues(new SQSClient(aws), queueUrlsOf(env)),
    traffic: makeDynamoTraffic({
      client,
      tables: {
        requests: env.REQUESTS_TABLE,
        events: env.EVENTS_TABLE,
        deliveries: env.DELIVERIES_TABLE,
      },
    }),
    readAlarms: alarmsOf(env, aws),
    explainWaits: makeExplainWaits({
      ...requestPorts,
      ...providerPorts,
      providerClients,
      context: makeDecisionContext(requestPorts),
    }),
    deliveryContext: makeDeliveryContext(deliveryPorts),
    settings: env.SETTINGS,
    stack: env.STACK,
    isLocal: env.WEBHOOK_TARGETS.allowsLocal,
    speed: env.BUSINESS_CLOCK.speed,
    ...(env.CONSOLE_URL === "off" ? {} : { consoleUrl: env.CONSOLE_URL }),
  };
  const { onNonFatalError } = observer;
  return {
    serveOperator: makeServeOperator({
      operatorKeys: makeDynamoOperatorKeys({
        client,
        tableName: env.CONFIG_TABLE,
        nowMs: clock.realMs,
      }),
      ...{ masterKeys, clock, onNonFatalError },
      handlers: makeOperatorHandlers(deps),
      audited: makeAudited({
        ...{ audit, clock, randomHex, onNonFatalError },
        awaitOutcomeMs: AWAIT_OUTCOME_MS,
      }),
      clientOf: makeClientOf(deps),
    }),
  };
}

/** The work queues and their dead letters, in the order of a request's way. */
function queueUrlsOf(env: ParsedEnvironment<"operator">): QueueUrls[] {
  const { SUBMIT_QUEUE_URL: submit, SCHEDULE_DLQ_ARN } = env;
  const base = submit.slice(0, submit.lastIndexOf("/") + 1);
  const known: Readonly<Record<string, string>> = {
    inbound: env.INBOUND_QUEUE_URL,
    submit,
    retries: env.RETRIES_QUEUE_URL,
  };
  const queues = env.QUEUES.split(";").map((text) => {
    const [name = "", queue = "", deadLetters = ""] = text.split(",");
    const url = known[name] ?? `${base}${queue}`;
    return { name, url, deadLettersUrl: `${base}${deadLetters}` };
  });
  const scheduleDeadLetters = SCHEDULE_DLQ_ARN.slice(SCHEDULE_DLQ_ARN.lastIndexOf(":") + 1);
  const requestSchedule = {
    name: "requestSchedule",
    deadLettersUrl: `${base}${scheduleDeadLetters}`,
    // They come from no queue, and are for this one.
    returnsTo: submit,
  };
  return [...queues, requestSchedule];
}

function alarmsOf(env: ParsedEnvironment<"operator">, aws: object): () => Promise<AlarmsView> {
  if (env.ALARM_PREFIX !== "off" && !env.WEBHOOK_TARGETS.allowsLocal) {
    const client = new CloudWatchClient(aws);
    return makeCloudWatchAlarms({ client, prefix: env.ALARM_PREFIX });
  }
  const reason = env.WEBHOOK_TARGETS.allowsLocal
    ? "There is no CloudWatch in a local run: the overview says what needs you."
    : "This stack was deployed without alarms: the overview says what needs you.";
  return async () => ({ isAvailable: false, reason, items: [] });
}
