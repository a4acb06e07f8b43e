import { sha256Hex } from "../../crypto/digest.ts";
import type { LaneAccount } from "../state/record.ts";

/** A request's id contains its lane, so that the id alone is enough to read the item. */
const ID_FORM = /^rq_[0-9a-f]{44}$/;
const LANE_DIGITS = 24;

/** The lane of one account: of one client, provider and connection. */
export function laneId({ clientId, provider, connectionId, accountId }: LaneAccount): string {
  // JSON escapes lone surrogates, so that two different accounts never have the same text.
  const account = JSON.stringify([clientId, provider, connectionId, accountId]);
  return sha256Hex(account).slice(0, LANE_DIGITS);
}

/** @param randomHex 20 random hex digits */
export function newRequestId(lane: string, randomHex: string): string {
  return `rq_${lane}${randomHex}`;
}

/** Returns whether the text has the form of a request's id. */
export function isRequestId(text: string): boolean {
  return ID_FORM.test(text);
}

/** The lane in a request's id; `undefined` when the text is not such an id. */
export function laneOf(requestId: string): string | undefined {
  return isRequestId(requestId) ? requestId.slice(3, 3 + LANE_DIGITS) : undefined;
}
