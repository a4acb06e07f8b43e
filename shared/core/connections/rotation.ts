import { toIso } from "../clock.ts";

/** Time for which a replaced value is still accepted: a person must update the provider, and retries arrive late. */
export const ROTATION_OVERLAP_MS = 24 * 60 * 60 * 1000;

interface Rotated {
  validUntil?: string | undefined;
}

/** Returns the members that are accepted at this time (business time, epoch milliseconds). */
export function validAt<T extends Rotated>(list: readonly T[], nowMs: number): T[] {
  return list.filter(({ validUntil }) => !validUntil || Date.parse(validUntil) > nowMs);
}

/** Maximum number of members accepted at once: each costs every webhook one comparison. */
const MAX_VALID = 4;

/** Whether the list has room for a new current member. */
export function canRotate(list: readonly Rotated[], nowMs: number): boolean {
  return validAt(list, nowMs).length < MAX_VALID;
}

/** Returns the list with a new current member. The previous one is accepted for the overlap. */
export function rotate<T extends Rotated>(list: readonly T[], next: T, nowMs: number): T[] {
  const validUntil = toIso(nowMs + ROTATION_OVERLAP_MS);
  const before = validAt(list, nowMs).map((one) => (one.validUntil ? one : { ...one, validUntil }));
  return [next, ...before];
}
