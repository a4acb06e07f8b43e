import { expect, test } from "vitest";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { UnclearReport } from "../../shared/core/events/provider-event.ts";
import {
  isNewUnclearReport,
  unclearReportsOf,
  withUnclearReport,
} from "../../shared/core/requests/state/unclear-reports.ts";
import { NOON_MS } from "../support/noon.ts";
import { requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const context = { nowMs: NOON_MS, nowRealMs: 0, rules };
const unclear: UnclearReport = { kind: "unrecognised", status: "REVIEWING", body: '{"n":1}' };
const kept = (digest: string) => ({ ...unclear, atMs: 1, source: "webhook" as const, digest });
const keeping = (count: number) =>
  requestRecord(undefined, {
    unclearReports: Array.from({ length: count }, (_, n) => kept(`digest ${n}`)),
  });

test("A request keeps no report until one is not clear", () => {
  const request = requestRecord();
  expect(unclearReportsOf(request)).toStrictEqual([]);
  expect(isNewUnclearReport(request, { event: {} })).toBe(false);
  expect(isNewUnclearReport(request, { event: { discriminator: "d" } })).toBe(false);
  expect(withUnclearReport(request, { event: { discriminator: "d" } }, context)).toBe(request);
});

test("A report that is not clear is kept with its time, its source and a digest of its body", () => {
  const request = requestRecord();
  expect(isNewUnclearReport(request, { event: { unclear } })).toBe(true);
  const digest = sha256Hex(unclear.body).slice(0, 16);
  const report = { ...unclear, atMs: NOON_MS, source: "webhook", digest };
  expect(withUnclearReport(request, { event: { unclear } }, context)).toStrictEqual({
    ...request,
    unclearReports: [report],
  });
});

test.each([
  ["answer", true],
  ["webhook", false],
])("The source of a report that is not clear is kept: %s", (source, isCurrentState) => {
  const event = { unclear, discriminator: "d" };
  const request = withUnclearReport(requestRecord(), { event, isCurrentState }, context);
  expect(unclearReportsOf(request)).toStrictEqual([
    { ...unclear, atMs: NOON_MS, source, digest: "d" },
  ]);
});

test("A report is kept behind those before it, and a copy of any of them is not", () => {
  const request = keeping(2);
  const event = { unclear, discriminator: "another" };
  const both = withUnclearReport(request, { event }, context);
  const digests = unclearReportsOf(both).map(({ digest }) => digest);
  expect(digests).toEqual(["digest 0", "digest 1", "another"]);
  for (const discriminator of ["digest 0", "digest 1", "another"]) {
    const copy = { event: { unclear, discriminator } };
    expect(isNewUnclearReport(both, copy)).toBe(false);
    expect(withUnclearReport(both, copy, context)).toBe(both);
  }
});

test("A request keeps ten reports, and no more", () => {
  const report = { event: { unclear, discriminator: "new" } };
  expect(isNewUnclearReport(keeping(9), report)).toBe(true);
  expect(unclearReportsOf(withUnclearReport(keeping(9), report, context))).toHaveLength(10);
  const full = keeping(10);
  expect(isNewUnclearReport(full, report)).toBe(false);
  expect(withUnclearReport(full, report, context)).toBe(full);
});
