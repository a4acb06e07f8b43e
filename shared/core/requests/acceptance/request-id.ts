import { sha256Hex } from "../../crypto/digest.ts";
import type { LaneOwner } from "../state/record.ts";

/** A request's id carries its lane, so that the id alone finds the item. */
const form = /^rq_[0-9a-f]{44}$/;
const LANE_DIGITS = 24;

/** The lane of one account at one connection of one client. */
export function laneId({ clientId, provider, connectionId, accountId }: LaneOwner): string {
  // JSON writes what is no character (a lone surrogate) as an escape: no two owners read alike.
  const owner = JSON.stringify([clientId, provider, connectionId, accountId]);
  return sha256Hex(owner).slice(0, LANE_DIGITS);
}

/** @param randomHex 20 random hex digits */
export function newRequestId(lane: string, randomHex: string): string {
  return `rq_${lane}${randomHex}`;
}

/** Whether it can be the id of a request: anything else need not be looked up. */
export function isRequestId(text: string): boolean {
  return form.test(text);
}

/** The lane that is written in a request's id; `undefined` where it is no such id. */
export function laneOf(requestId: string): string | undefined {
  return isRequestId(requestId) ? requestId.slice(3, 3 + LANE_DIGITS) : undefined;
}
