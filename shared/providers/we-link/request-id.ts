import { isObject, type JsonObject } from "../../core/json/json.ts";
import { providerIdOf } from "../../core/providers/provider-id.ts";

/**
 * Returns every request id in an object of We-Link and in its member `data`. Two
 * spellings are specified, and others occur: letter case, `_` and `-` do not matter.
 */
export function requestIdsOf(value: JsonObject): string[] {
  const nested = isObject(value.data) ? Object.entries(value.data) : [];
  return [...Object.entries(value), ...nested].flatMap(([name, id]) =>
    isNamed(name, "requestid") ? (providerIdOf(id) ?? []) : [],
  );
}

/** Returns the account that a body of We-Link names, in any spelling of `accountId`. */
export function accountIdOf(value: JsonObject): string | undefined {
  const named = Object.entries(value).filter(([name]) => isNamed(name, "accountid"));
  return named.map(([, id]) => providerIdOf(id)).find((id) => id !== undefined);
}

function isNamed(name: string, plain: string): boolean {
  const extra = name.length - plain.length;
  // A body may have very many members, and very long names: most are told apart by their length.
  return extra >= 0 && extra <= 2 && name.replace(/[_-]/g, "").toLowerCase() === plain;
}
