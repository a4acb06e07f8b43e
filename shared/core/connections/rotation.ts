import { toIso } from "../clock.ts";

/** Time for which a replaced value is still accepted: a person must update the provider, and retries arrive late. */
export const ROTATION_OVERLAP_MS = 24 * 60 * 60 * 1000;

const HOUR_MS = 60 * 60 * 1000;

interface Rotated {
  validUntil?: string | undefined;
}

/** Returns the hours of a call's parameter `overlapHours`, whose form its contract has checked. */
export function overlapOf({ overlapHours }: { overlapHours?: string }): RotationOverlap {
  return overlapHours === undefined ? {} : { overlapHours: Number(overlapHours) };
}

/** Returns the members that are accepted at this time (business time, epoch milliseconds). */
export function validAt<T extends Rotated>(list: readonly T[], nowMs: number): T[] {
  return list.filter(({ validUntil }) => !validUntil || Date.parse(validUntil) > nowMs);
}

/** Maximum number of members accepted at once: each costs every webhook one comparison. */
const MAX_VALID = 4;

/** Whether the list has room for a new current member. */
export function canRotate(
  list: readonly Rotated[],
  { nowMs, overlapHours }: RotationTime,
): boolean {
  return overlapHours === 0 || validAt(list, nowMs).length < MAX_VALID;
}

export interface RotationTime extends RotationOverlap {
  /** Business time, epoch milliseconds. */
  nowMs: number;
}

export interface RotationOverlap {
  /** Hours for which every replaced value is still accepted at most; 0 cuts all of them now. @default 24 */
  overlapHours?: number | undefined;
}

/** Returns the list with a new current member. The values before are accepted for the overlap at most. */
export function rotate<T extends Rotated>(
  list: readonly T[],
  next: T,
  { nowMs, overlapHours }: RotationTime,
): T[] {
  if (overlapHours === 0) return [next];
  const overlapMs = overlapHours === undefined ? ROTATION_OVERLAP_MS : overlapHours * HOUR_MS;
  const end = toIso(nowMs + overlapMs);
  const before = validAt(list, nowMs).map((one) => ({
    ...one,
    validUntil: one.validUntil !== undefined && one.validUntil < end ? one.validUntil : end,
  }));
  return [next, ...before];
}
