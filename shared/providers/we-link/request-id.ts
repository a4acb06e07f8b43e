import { isObject, type JsonObject } from "../../core/json/json.ts";
import { providerIdOf } from "../../core/providers/provider-id.ts";
import { membersNamed } from "./member-names.ts";

/** Returns every request id in an object of We-Link and in its member `data`, in any spelling. */
export function requestIdsOf(value: JsonObject): string[] {
  const nested = isObject(value.data) ? membersNamed(value.data, "requestid") : [];
  return [...membersNamed(value, "requestid"), ...nested].flatMap(
    ([, id]) => providerIdOf(id) ?? [],
  );
}

/** Returns the account that a body of We-Link names, in any spelling of `accountId`. */
export function accountIdOf(value: JsonObject): string | undefined {
  const named = membersNamed(value, "accountid");
  return named.map(([, id]) => providerIdOf(id)).find((id) => id !== undefined);
}
