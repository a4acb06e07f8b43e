import { Failure, undefinedIfNotFound } from "../../../contracts/failures.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import { isObject, type JsonObject } from "../../json/json.ts";
import { topLevelMembers } from "../../json/json-members.ts";
import type { FoundRequest } from "../../providers/dialect.ts";
import type { Requests } from "../../requests/requests.ts";

/**
 * Finds a request by our id, or the last event of a request that was made
 * elsewhere by the provider's id.
 *
 * @throws NOT_FOUND, for a request of another provider or client too; DEPENDENCY_DOWN
 */
export async function findRequest(
  requests: Pick<Requests, "get" | "findByProviderId">,
  of: { clientId: string; provider: ProviderId; id: string },
): Promise<FoundRequest> {
  const request = await requests.get(of.clientId, of.id).catch(undefinedIfNotFound);
  if (request?.provider === of.provider) return { request };
  const envelope = await requests.findByProviderId(of.clientId, of.provider, of.id);
  if (envelope === undefined) throw new Failure("NOT_FOUND", "there is no such request");
  const { type, data } = JSON.parse(envelope) as { type: string; data: JsonObject };
  const dataText = memberText(envelope, "data") ?? "{}";
  // The event of an unsolicited webhook, such as a reply, carries the provider's own body.
  const body = isObject(data.payload) ? (memberText(dataText, "payload") ?? "{}") : dataText;
  return { event: { type, data, result: memberText(body, "result") } };
}

/** The JSON text of one member's value. */
function memberText(objectText: string, name: string): string | undefined {
  const member = topLevelMembers(objectText).find(({ key }) => key === name);
  return member && objectText.slice(member.start, member.end).replace(/^"[^"]*"\s*:\s*/, "");
}
