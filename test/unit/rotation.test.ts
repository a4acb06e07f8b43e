import { describe, expect, test } from "vitest";
import { canRotate, rotate, validAt } from "../../shared/core/connections/rotation.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const at = (hours: number) => new Date(nowMs + hours * 3_600_000).toISOString();
interface Secret {
  secret: string;
  validUntil?: string;
}
const current: Secret = { secret: "current" };
const next: Secret = { secret: "next" };

describe("A rotation", () => {
  test("By default the value before it is accepted for 24 hours", () => {
    const list = rotate([current], next, { nowMs });
    expect(list).toEqual([next, { ...current, validUntil: at(24) }]);
    expect(validAt(list, nowMs + 24 * 3_600_000 - 1)).toHaveLength(2);
    expect(validAt(list, nowMs + 24 * 3_600_000)).toEqual([next]);
  });

  test("With an overlap of no hours, no value before it is accepted", () => {
    const earlier = { secret: "earlier", validUntil: at(5) };
    expect(rotate([current, earlier], next, { nowMs, overlapHours: 0 })).toEqual([next]);
  });

  test("An overlap shortens the time of earlier values, and does not lengthen it", () => {
    const [soon, late] = [
      { secret: "soon", validUntil: at(1) },
      { secret: "late", validUntil: at(20) },
    ];
    expect(rotate([current, soon, late], next, { nowMs, overlapHours: 2 })).toEqual([
      next,
      { ...current, validUntil: at(2) },
      soon,
      { ...late, validUntil: at(2) },
    ]);
  });

  test("A list that is full can only be rotated by cutting the values before", () => {
    const full = [current, ...[1, 2, 3].map((n) => ({ secret: `${n}`, validUntil: at(n) }))];
    expect(canRotate(full, { nowMs })).toBe(false);
    expect(canRotate(full, { nowMs, overlapHours: 1 })).toBe(false);
    expect(canRotate(full, { nowMs, overlapHours: 0 })).toBe(true);
    expect(canRotate(full, { nowMs: nowMs + 3_600_000 })).toBe(true);
  });
});
