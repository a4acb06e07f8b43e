import { isObject, type JsonObject } from "../../core/json/json.ts";

/** Returns every request id in an object of We-Link: two spellings are specified, a third occurs in practice. */
export function requestIdsOf(value: JsonObject): string[] {
  const nested = isObject(value.data) ? value.data.request_id : undefined;
  return [value.requestId, value.request_id, value.requestID, nested].filter(
    (id): id is string => typeof id === "string" && id !== "",
  );
}
