import { isObject, type JsonObject } from "../../core/json/json.ts";

/** Every request id that a We-Link object names: two spellings are specified, a third was seen. */
export function requestIdsOf(value: JsonObject): string[] {
  const nested = isObject(value.data) ? value.data.request_id : undefined;
  return [value.requestId, value.request_id, value.requestID, nested].filter(
    (id): id is string => typeof id === "string" && id !== "",
  );
}
