const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads a duration such as `90s`, `63h`, `2d` or `1d 12h 30m`, or a number of milliseconds.
 *
 * @throws TypeError for any other text, and for a negative number
 */
export function durationMs(duration: string | number): number {
  if (typeof duration === "number" && duration >= 0 && Number.isFinite(duration)) return duration;
  const parts = String(duration).trim().split(/\s+/);
  const values = parts.map((part) => /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(part));
  if (typeof duration === "number" || values.includes(null)) {
    throw new TypeError(`"${duration}" is no duration: write it as 90s, 63h or "1d 12h"`);
  }
  return values.reduce(
    (sum, found) => sum + Number(found?.[1]) * (unitMs[found?.[2] ?? ""] ?? 0),
    0,
  );
}
