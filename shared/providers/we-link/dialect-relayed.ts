import * as z from "zod/mini";
import type {
  ApiOperation,
  HandlerAnswer,
  OperationInput,
} from "../../contracts/http/operation.ts";
import { nothing } from "../../contracts/http/parts.ts";
import { isObject } from "../../core/json/json.ts";
import type { DialectRelay } from "../../core/providers/dialect.ts";
import { refuseSchedule } from "./dialect-handlers.ts";
import { accountIdOf } from "./request-id.ts";
import { type SynchronousCall, synchronousCalls } from "./synchronous-calls.ts";

const entries = Object.entries(synchronousCalls) as [SynchronousCall, string][];

/** We-Link's operations that Ackwire passes to We-Link, because We-Link answers them at once. */
export const weLinkRelayedOperations: Readonly<Record<string, ApiOperation>> = Object.fromEntries(
  entries.map(([call, summary]) => [
    operationIdOf(call),
    {
      operationId: operationIdOf(call),
      method: "POST",
      path: pathOf(call),
      summary: `${summary}, at We-Link`,
      isPublic: false,
      isRelayed: true,
      params: nothing,
      query: z.looseObject({}),
      body: z.unknown(),
      answer: { status: 200, description: "We-Link's answer, as it is", schema: z.unknown() },
      problems: [404, 409],
    },
  ]),
);

/** Passes each call to We-Link, on the connection that knows the account in its body. */
export function weLinkRelayedHandlers(
  relay: DialectRelay,
): Readonly<Record<string, (input: OperationInput<ApiOperation>) => Promise<HandlerAnswer>>> {
  return Object.fromEntries(
    entries.map(([call]) => [
      operationIdOf(call),
      async ({ clientId, body, bodyText = "{}" }: OperationInput<ApiOperation>) => {
        const members = isObject(body) ? body : {};
        refuseSchedule(members);
        const accountId = accountIdOf(members);
        const { answer } = await relay.call({
          clientId,
          ...(accountId === undefined ? {} : { accountId }),
          call: { method: "POST", path: pathOf(call), body: bodyText },
        });
        return answer;
      },
    ]),
  );
}

function pathOf(call: SynchronousCall): string {
  return `/api/v1/${call}`;
}

/** `get_active_tracker` is `weLinkGetActiveTracker`. */
function operationIdOf(call: SynchronousCall): string {
  return `we_link_${call}`.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
