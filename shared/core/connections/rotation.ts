/** What was replaced is accepted for so long: a provider's dashboard and its retries need time. */
export const ROTATION_OVERLAP_MS = 24 * 60 * 60 * 1000;

interface Rotated {
  validUntil?: string | undefined;
}

/** What is accepted now. */
export function validAt<T extends Rotated>(list: readonly T[], nowMs: number): T[] {
  return list.filter(({ validUntil }) => !validUntil || Date.parse(validUntil) > nowMs);
}

/** Most that are accepted at once: each is one more comparison for every webhook. */
const MAX_VALID = 4;

/** Whether one more can be made current now. */
export function canRotate(list: readonly Rotated[], nowMs: number): boolean {
  return validAt(list, nowMs).length < MAX_VALID;
}

/** The list with a new current member; what was current is accepted for the overlap. */
export function rotate<T extends Rotated>(list: readonly T[], next: T, nowMs: number): T[] {
  const validUntil = new Date(nowMs + ROTATION_OVERLAP_MS).toISOString();
  const before = validAt(list, nowMs).map((one) => (one.validUntil ? one : { ...one, validUntil }));
  return [next, ...before];
}
