import { Text, Tooltip } from "@mantine/core";
import { useClock, useTick } from "../api/clock.tsx";
import { usePreference } from "./preferences.ts";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const units: readonly [unit: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

export function relativeText(atMs: number, nowMs: number): string {
  const differenceMs = atMs - nowMs;
  const [unit, ms] = units.find(([, size]) => Math.abs(differenceMs) >= size) ?? ["second", 1_000];
  const count = Math.trunc(differenceMs / ms);
  return count === 0 ? "just now" : relative.format(count, unit);
}

/**
 * A time, relative or exact as the reader has chosen; the tooltip has the other one and the time in
 * UTC. `isReal`: real time, where a local run's business time is another one.
 */
export function Time({ at, isReal = false }: { at: string; isReal?: boolean }) {
  const { businessNowMs } = useClock();
  const [shown] = usePreference("times");
  useTick();
  const atMs = Date.parse(at);
  const inWords = relativeText(atMs, isReal ? Date.now() : businessNowMs());
  const isExact = shown === "exact";
  const label = `${isExact ? inWords : exact.format(atMs)} · ${at}`;
  return (
    <Tooltip label={label} events={{ hover: true, focus: true, touch: true }}>
      <Text component="time" dateTime={at} inherit style={{ whiteSpace: "nowrap" }}>
        {isExact ? exact.format(atMs) : inWords}
      </Text>
    </Tooltip>
  );
}

/** A time in both ways, for a page about one thing. */
export function BothTimes({ at, isReal = false }: { at: string; isReal?: boolean }) {
  const { businessNowMs } = useClock();
  useTick();
  const atMs = Date.parse(at);
  const inWords = relativeText(atMs, isReal ? Date.now() : businessNowMs());
  return (
    <time dateTime={at}>
      {inWords}{" "}
      <Text span c="dimmed" size="sm">
        {exact.format(atMs)}
      </Text>
    </time>
  );
}
