import { type DeliverableType, deliverableType, eventTypes } from "../../../contracts/events.ts";
import { Failure } from "../../../contracts/failures.ts";
import { limits } from "../../../contracts/limits.ts";
import { busMessage } from "../../../contracts/messages/delivery.ts";
import type { FinalEvent } from "../../events/envelope.ts";
import { parseJsonObject } from "../../json/json.ts";
import { topLevelMembers, withoutMember } from "../../json/json-members.ts";

/** An event as EventBridge delivers it. */
export interface BusEvent extends FinalEvent {
  type: DeliverableType;
  /** Set if its delivery is cancelled together with this request. */
  requestId?: string | undefined;
}

/**
 * Reads the event in a message of the events queue (`fanout`). The envelope is cut out of the text,
 * so that every number keeps its digits.
 *
 * @returns `undefined` if events of this type are not delivered to webhooks
 * @throws MESSAGE_MALFORMED, also for a type that this version does not know: it comes from a later
 *   one, whose rule forwards it, and is delivered when that version receives it again
 */
export function readBusMessage(text: string): BusEvent | undefined {
  const detailText = extractDetail(text);
  const detail = detailText && busMessage.shape.detail.safeParse(JSON.parse(detailText)).data;
  if (!detail)
    throw new Failure("MESSAGE_MALFORMED", "the message has no valid `detail` of an event");
  const type = deliverableType.safeParse(detail.type).data;
  if (type === undefined) {
    const isKnown = (eventTypes as readonly string[]).includes(detail.type);
    if (isKnown) return undefined;
    throw new Failure("MESSAGE_MALFORMED", `a later version delivers ${detail.type}`);
  }
  const clientMember = topLevelMembers(detailText).find(({ key }) => key === "clientId");
  const envelope = clientMember ? withoutMember(detailText, clientMember) : detailText;
  const { clientId, id } = detail;
  return { id, type, clientId, envelope, ...cancelledTogetherWith(type, envelope) };
}

/** The depth of a provider's body, and of the event and bus message around it. */
const MAX_DEPTH = limits.maxJsonDepth + 8;

/**
 * Checks that the whole message is JSON of an allowed depth, and returns the text of its `detail`.
 *
 * @returns `undefined` if `detail` is not an object
 * @throws MESSAGE_MALFORMED
 */
function extractDetail(text: string): string | undefined {
  try {
    parseJsonObject(Buffer.from(text), "exact", MAX_DEPTH);
  } catch (cause) {
    throw new Failure("MESSAGE_MALFORMED", "the message is not a JSON object", { cause });
  }
  const member = topLevelMembers(text).find(({ key }) => key === "detail");
  const value = member && text.slice(text.indexOf(":", member.start) + 1, member.end).trim();
  return value?.startsWith("{") ? value : undefined;
}

/**
 * Returns the request together with which the delivery is cancelled. There is none for a
 * completed workflow: its events are delivered even if the request was cancelled.
 */
function cancelledTogetherWith(type: DeliverableType, envelope: string): { requestId?: string } {
  if (type === "workflow.completed" || type === "workflow.lateResult") return {};
  const { data } = JSON.parse(envelope) as { data?: { requestId?: unknown } };
  return typeof data?.requestId === "string" ? { requestId: data.requestId } : {};
}
