import type { LimitCategory } from "../../../shared/contracts/pace.ts";
import type { WaitingRequest } from "../../../shared/core/pace/choose-next.ts";
import { isOpen } from "../../../shared/core/pace/hours.ts";
import { openDaysOf } from "../../../shared/core/pace/open-days.ts";
import type { PaceLimit, PaceSettings } from "../../../shared/core/pace/pace-settings.ts";
import { HOUR_MS, windowMs } from "../../../shared/core/pace/windows.ts";
import type { SimulatedTake } from "./simulate-lane.ts";

/** Checks submissions against their exact times; none of these uses what the lane has counted. */

const iso = (ms: number) => new Date(ms).toISOString();

function timesOf(takes: readonly SimulatedTake[], category: LimitCategory): number[] {
  return takes
    .filter((take) => category === "any" || take.category === category)
    .map(({ atMs }) => atMs);
}

export function outsideHours({ hours }: PaceSettings, takes: readonly SimulatedTake[]): string[] {
  return takes.filter(({ atMs }) => !isOpen(hours, atMs)).map(({ atMs }) => iso(atMs));
}

/** Rolling windows with more submissions than their limit. */
export function windowsAboveCap(
  settings: PaceSettings,
  takes: readonly SimulatedTake[],
  capAt: (limit: PaceLimit, atMs: number) => number = ({ max }) => max,
): string[] {
  return settings.limits.flatMap((limit) => {
    const times = timesOf(takes, limit.category);
    let from = 0;
    return times.flatMap((atMs, at) => {
      while ((times[from] ?? 0) <= atMs - windowMs[limit.per]) from += 1;
      const count = at - from + 1;
      if (count <= capAt(limit, atMs)) return [];
      return [`${count} ${limit.category} in the ${limit.per} before ${iso(atMs)}`];
    });
  });
}

/** The submissions of each open day from `fromMs` to `untilMs`. */
export function perOpenDay(
  { hours }: PaceSettings,
  takes: readonly SimulatedTake[],
  { category, fromMs, untilMs }: { category: LimitCategory; fromMs: number; untilMs: number },
): { openMs: number; fromMs: number; times: number[] }[] {
  if (!hours) return [];
  const times = timesOf(takes, category);
  const days = [];
  const openDays = openDaysOf(hours);
  for (let day = openDays.at(fromMs); day.toMs <= untilMs; day = openDays.after(day)) {
    const { fromMs: startMs, toMs, openMs, intervals } = day;
    const ofDay = times.filter((atMs) => atMs >= startMs && atMs < toMs);
    const [first] = intervals;
    if (first) days.push({ openMs, fromMs: first.fromMs, times: ofDay });
  }
  return days;
}

/** Hours of the clock with more than twice the even share of their day. */
export function hoursAboveTwiceTheShare(
  max: number,
  days: readonly { openMs: number; times: number[] }[],
): string[] {
  return days.flatMap(({ openMs, times }) => {
    const most = Math.max(1, Math.ceil((2 * max * HOUR_MS) / openMs));
    return [...Map.groupBy(times, (atMs) => Math.floor(atMs / HOUR_MS))]
      .filter(([, ofHour]) => ofHour.length > most)
      .map(([hour, ofHour]) => `${ofHour.length} in the hour from ${iso(hour * HOUR_MS)}`);
  });
}

/** Submissions that came before the shortest gap after an answer had passed. */
export function tooCloseTogether(
  { minGapMs }: PaceSettings,
  takes: readonly SimulatedTake[],
): string[] {
  return takes
    .filter(
      ({ atMs }, at) => atMs < (takes[at - 1]?.answeredMs ?? Number.NEGATIVE_INFINITY) + minGapMs,
    )
    .map(({ atMs }) => iso(atMs));
}

/** Requests that overtook one of their own category and priority. */
export function outOfOrder(takes: readonly SimulatedTake[]): string[] {
  return [
    ...Map.groupBy(takes, ({ category, isHigh }) => `${category} ${isHigh}`).values(),
  ].flatMap((queue) =>
    queue
      .filter(({ position }, at) => position < (queue[at - 1]?.position ?? -1))
      .map(({ id }) => id),
  );
}

/** The most submissions of high priority in a row while one of normal priority could be submitted. */
export function longestRowOfHigh(takes: readonly SimulatedTake[]): number {
  let [row, longest] = [0, 0];
  for (const { isHigh } of takes) {
    row = isHigh ? row + 1 : 0;
    longest = Math.max(longest, row);
  }
  return longest;
}

export function queueOf(
  count: number,
  requestOf: (at: number) => Pick<WaitingRequest, "category"> & Partial<WaitingRequest>,
): WaitingRequest[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `rq_${at}`,
    isHigh: false,
    position: at,
    ...requestOf(at),
  }));
}
