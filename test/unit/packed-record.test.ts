import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { packRecord, unpackRecord } from "../../shared/adapters/dynamo/packed-record.ts";

const of = { id: "rq_0123456789abcdef01234567", accountId: "jane" };

describe("The packed part of an item", () => {
  test.each([
    {},
    { text: "\ud800 Zażółć 🦊 \0", list: [{ n: 1_764_447_303_123.456 }], yes: true, no: null },
    { long: "a long text ".repeat(10_000) },
  ])("A record is read as it was packed (%#)", (record) => {
    expect(unpackRecord(of, packRecord(of, record))).toEqual(record);
  });

  test("A record is smaller than without the text that all records share", () => {
    const record = { laneState: "waiting", attempts: 0, polls: 0, isStarted: false, prompts: [] };
    const alone = deflateRawSync(JSON.stringify(record));
    expect(packRecord(of, record).length).toBeLessThan(alone.length / 2);
  });

  test("What an earlier process packed is read: the shared text has not changed", () => {
    const stored = "q8ZW7mEvPNCq1IIYJXCrlJh0gMt2ItMHyCvoubkWAA==";
    expect(unpackRecord(of, Buffer.from(stored, "base64"))).toEqual({
      action: "connect",
      params: { inline: '{"profile_id":"p"}' },
      outbox: [{ id: `workflow.created:${of.id}`, type: "workflow.created", version: 1 }],
      isStarted: false,
    });
  });

  test("Bytes of something else are refused", () => {
    expect(() => unpackRecord(of, Buffer.from("no"))).toThrow();
  });
});
