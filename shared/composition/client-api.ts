import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { makeDynamoClientRates } from "../adapters/dynamo/dynamo-client-rates.ts";
import { makeDynamoConfigStore } from "../adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoEventReader } from "../adapters/dynamo/dynamo-event-reader.ts";
import { makeDynamoIdempotency } from "../adapters/dynamo/dynamo-idempotency.ts";
import { makeDynamoRecurring } from "../adapters/dynamo/dynamo-recurring.ts";
import { randomHex } from "../adapters/random-hex.ts";
import { makeSchedulerRecurring } from "../adapters/scheduler-recurring.ts";
import { makeSchedulerSchedules } from "../adapters/scheduler-schedules.ts";
import type { ParsedEnvironment } from "../contracts/env.ts";
import { makeAdministration } from "../core/administration/administration.ts";
import { makeRecurring } from "../core/requests/recurring/recurring.ts";
import { providerClients } from "../providers/provider-clients.ts";
import { makeDeliveryPorts } from "./delivery-ports.ts";
import { composeWebhookApi } from "./delivery-use-cases.ts";
import type { FunctionBase } from "./function-base.ts";
import { makeProviderPorts } from "./provider-ports.ts";
import { makeRequestPorts } from "./request-ports.ts";
import { composeAccounts, composeClientRequests } from "./request-use-cases.ts";
import { tracingDeps } from "./tracing-deps.ts";

/** Real time for one call, less than the function's timeout: the caller gets a 503 from us. */
export const DEADLINE_MS = 8_000;

export interface ApiObserver {
  /** Logs errors that do the caller no harm. */
  onNonFatalError: (error: unknown) => void;
  /** Is told that a request was accepted whose schedule could not be created. */
  onScheduleFailed: () => void;
}

/** Composes what clients, and operators for them, may do with what is theirs; and the ports for that. */
export function composeClientApi(
  base: FunctionBase,
  env: ParsedEnvironment<"api">,
  observer: ApiObserver,
) {
  const { onNonFatalError } = observer;
  const { client, clock, bodies } = base;
  const masterKeys = (keyId?: string) =>
    base.readMasterKeys(AbortSignal.timeout(DEADLINE_MS), keyId);
  const currentMasterKeys = () => masterKeys();
  const config = { client, tableName: env.CONFIG_TABLE };
  const store = makeDynamoConfigStore(config);
  const reader = makeDynamoEventReader({ client, clock, bodies, tableName: env.EVENTS_TABLE });
  const requestPorts = makeRequestPorts(base, env, onNonFatalError);
  const providerPorts = makeProviderPorts(base, env);
  const deliveryPorts = makeDeliveryPorts(base, env);
  const accounts = composeAccounts({
    ...requestPorts,
    store,
    masterKeys: currentMasterKeys,
    randomHex,
  });
  return {
    ports: { store, requestPorts, providerPorts, deliveryPorts },
    masterKeys,
    reader,
    requests: composeClientRequests({
      ...requestPorts,
      ...providerPorts,
      ...makeAcceptancePorts(base, env, observer),
      ...tracingDeps(env),
      accountDirectory: accounts.accountDirectory,
      connectionIdsOf: accounts.connectionIdsOf,
      events: reader,
      masterKeys: currentMasterKeys,
      randomHex,
    }),
    accounts,
    recurring: makeRecurring({
      store: makeDynamoRecurring(config),
      schedules: makeSchedulerRecurring(scheduler(base.awsClientConfig, env)),
      accountDirectory: accounts.accountDirectory,
      providerClients,
      clock,
    }),
    ...composeWebhookApi({
      ...deliveryPorts,
      masterKeys,
      targets: env.WEBHOOK_TARGETS,
      randomHex,
      onNonFatalError,
    }),
    administration: async () =>
      makeAdministration({
        ...{ store, clock, randomHex },
        masterKeys: await currentMasterKeys(),
        wakeLanesOf: accounts.wakeLanesOf,
      }),
    clock,
    onNonFatalError,
  };
}

/** What only the acceptance of requests needs. */
function makeAcceptancePorts(
  { client, awsClientConfig, clock }: FunctionBase,
  env: ParsedEnvironment<"api">,
  { onScheduleFailed }: ApiObserver,
) {
  const table = { client, tableName: env.REQUESTS_TABLE, clock };
  return {
    idempotency: makeDynamoIdempotency(table),
    rates: makeDynamoClientRates({ ...table, limit: env.SETTINGS.clientRequestsPerSecond }),
    schedules: makeSchedulerSchedules({
      ...scheduler(awsClientConfig, env),
      onCreateFailed: onScheduleFailed,
    }),
  };
}

function scheduler(config: FunctionBase["awsClientConfig"], env: ParsedEnvironment<"api">) {
  return {
    client: new SchedulerClient(config),
    groupName: env.SCHEDULE_GROUP,
    roleArn: env.SCHEDULE_ROLE_ARN,
    queueArn: env.SUBMIT_QUEUE_ARN,
    deadLetterArn: env.SCHEDULE_DLQ_ARN,
  };
}
