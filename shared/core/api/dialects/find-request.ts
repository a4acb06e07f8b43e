import { Failure } from "../../../contracts/failures.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import { isObject, type JsonObject } from "../../json/json.ts";
import { topLevelMembers } from "../../json/json-members.ts";
import type { Requests } from "../../requests/requests.ts";
import type { RequestView } from "../../requests/state/request-view.ts";

/** What there is under an id: a request made here, or the last event of one made elsewhere. */
type Found = { request: RequestView } | { event: FoundEvent };

export interface FoundEvent {
  type: string;
  /** For what is text in it: its numbers may have lost digits. */
  data: JsonObject;
  /** JSON text of the result that it tells, with each digit. */
  result?: string | undefined;
}

/** @throws NOT_FOUND, for a request of another provider or client too; DEPENDENCY_DOWN */
export async function findRequest(
  requests: Pick<Requests, "get" | "findByProviderId">,
  of: { clientId: string; provider: ProviderId; id: string },
): Promise<Found> {
  const request = await requests.get(of.clientId, of.id).catch(nothingIfNotFound);
  if (request?.provider === of.provider) return { request };
  const envelope = await requests.findByProviderId(of.clientId, of.provider, of.id);
  if (envelope === undefined) throw new Failure("NOT_FOUND", "there is no such request");
  const { type, data } = JSON.parse(envelope) as { type: string; data: JsonObject };
  const dataText = memberText(envelope, "data") ?? "{}";
  // What came unasked, as a reply does, has the provider's own body.
  const body = isObject(data.payload) ? (memberText(dataText, "payload") ?? "{}") : dataText;
  return { event: { type, data, result: memberText(body, "result") } };
}

/** The text of one member's value. */
function memberText(objectText: string, name: string): string | undefined {
  const member = topLevelMembers(objectText).find(({ key }) => key === name);
  return member && objectText.slice(member.start, member.end).replace(/^"[^"]*"\s*:\s*/, "");
}

function nothingIfNotFound(error: unknown): undefined {
  if (error instanceof Failure && error.code === "NOT_FOUND") return undefined;
  throw error;
}

/** JSON text of an object whose last member is a text that is JSON already. */
export function withMember(value: object, name: string, text: string | undefined): string {
  const json = JSON.stringify(value);
  if (text === undefined) return json;
  const separator = json === "{}" ? "" : ",";
  return `${json.slice(0, -1)}${separator}${JSON.stringify(name)}:${text}}`;
}
