import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { makeDynamoApiKeys } from "../../shared/adapters/dynamo/dynamo-api-keys.ts";
import { makeDynamoClientRates } from "../../shared/adapters/dynamo/dynamo-client-rates.ts";
import { makeDynamoConfigStore } from "../../shared/adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoEventReader } from "../../shared/adapters/dynamo/dynamo-event-reader.ts";
import { makeDynamoIdempotency } from "../../shared/adapters/dynamo/dynamo-idempotency.ts";
import { makeDynamoRecurring } from "../../shared/adapters/dynamo/dynamo-recurring.ts";
import { randomHex } from "../../shared/adapters/random-hex.ts";
import { makeSchedulerRecurring } from "../../shared/adapters/scheduler-recurring.ts";
import { makeSchedulerSchedules } from "../../shared/adapters/scheduler-schedules.ts";
import { makeDeliveryPorts } from "../../shared/composition/delivery-ports.ts";
import { composeWebhookApi } from "../../shared/composition/delivery-use-cases.ts";
import { type FunctionBase, makeFunctionBase } from "../../shared/composition/function-base.ts";
import { makeProviderPorts } from "../../shared/composition/provider-ports.ts";
import { makeRequestPorts } from "../../shared/composition/request-ports.ts";
import {
  composeAccounts,
  composeClientRequests,
} from "../../shared/composition/request-use-cases.ts";
import { tracingDeps } from "../../shared/composition/tracing-deps.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { operations, routeKeyOf } from "../../shared/contracts/http/operations.ts";
import { makeAdministration } from "../../shared/core/administration/administration.ts";
import { makeServeApi } from "../../shared/core/api/serve-api.ts";
import { makeRecurring } from "../../shared/core/requests/recurring/recurring.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";

/** Real time for one call, less than the function's timeout: the caller gets a 503 from us. */
const DEADLINE_MS = 8_000;

const deadlines = new Map(
  operations.map((operation) => [routeKeyOf(operation), operation.deadlineMs]),
);

/** Real time for a call of this route. */
export const deadlineMsOf = (routeKey: string): number => deadlines.get(routeKey) ?? DEADLINE_MS;

export interface ApiDeps {
  serveApi: ReturnType<typeof makeServeApi>;
}

export interface ApiObserver {
  /** Logs errors that do the caller no harm. */
  onNonFatalError: (error: unknown) => void;
  /** Is told that a request was accepted whose schedule could not be created. */
  onScheduleFailed: () => void;
}

export function compose(env: ParsedEnvironment<"api">, observer: ApiObserver): ApiDeps {
  const { onNonFatalError } = observer;
  const base = makeFunctionBase(env);
  const { client, clock, bodies } = base;
  const masterKeys = (keyId?: string) =>
    base.readMasterKeys(AbortSignal.timeout(DEADLINE_MS), keyId);
  const currentMasterKeys = () => masterKeys();
  const config = { client, tableName: env.CONFIG_TABLE };
  const store = makeDynamoConfigStore(config);
  const reader = makeDynamoEventReader({ client, clock, bodies, tableName: env.EVENTS_TABLE });
  const requestPorts = makeRequestPorts(base, env, onNonFatalError);
  const accounts = composeAccounts({
    ...requestPorts,
    store,
    masterKeys: currentMasterKeys,
    randomHex,
  });
  return {
    serveApi: makeServeApi({
      keys: makeDynamoApiKeys({ ...config, nowMs: clock.realMs }),
      masterKeys,
      reader,
      requests: composeClientRequests({
        ...requestPorts,
        ...makeProviderPorts(base, env),
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
        ...makeDeliveryPorts(base, env),
        masterKeys,
        targets: env.WEBHOOK_TARGETS,
        randomHex,
        onNonFatalError,
      }),
      administration: async () =>
        makeAdministration({ store, masterKeys: await currentMasterKeys(), clock, randomHex }),
      clock,
      onNonFatalError,
    }),
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
