import { makeDynamoApiKeys } from "../../shared/adapters/dynamo/dynamo-api-keys.ts";
import {
  type ApiObserver,
  composeClientApi,
  DEADLINE_MS,
} from "../../shared/composition/client-api.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { operations, routeKeyOf } from "../../shared/contracts/http/operations.ts";
import { makeServeApi } from "../../shared/core/api/serve-api.ts";

const deadlines = new Map(
  operations.map((operation) => [routeKeyOf(operation), operation.deadlineMs]),
);

/** Real time for a call of this route. */
export const deadlineMsOf = (routeKey: string): number => deadlines.get(routeKey) ?? DEADLINE_MS;

export interface ApiDeps {
  serveApi: ReturnType<typeof makeServeApi>;
}

export function compose(env: ParsedEnvironment<"api">, observer: ApiObserver): ApiDeps {
  const base = makeFunctionBase(env, observer.onNonFatalError);
  const { client, clock } = base;
  return {
    serveApi: makeServeApi({
      ...composeClientApi(base, env, observer),
      keys: makeDynamoApiKeys({ client, tableName: env.CONFIG_TABLE, nowMs: clock.realMs }),
      consoleUrl: env.CONSOLE_URL === "off" ? undefined : env.CONSOLE_URL,
    }),
  };
}
