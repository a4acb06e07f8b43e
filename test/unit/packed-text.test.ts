import { describe, expect, test } from "vitest";
import {
  packedText,
  packStoredText,
  packText,
  storedText,
} from "../../shared/adapters/dynamo/packed-text.ts";

const long = JSON.stringify({ data: { text: "Zażółć gęślą jaźń 🦊 ".repeat(40) } });

describe("The text of an attribute", () => {
  test.each(["", "{}", long, "\0".repeat(300), "\u2028\u{1f98a}"])(
    "A text is read as it was stored (%#)",
    (text) => {
      expect(packedText.parse(packText(text))).toBe(text);
    },
  );

  test("A long text is stored in fewer bytes, and a short one as it is", () => {
    expect((packText(long) as Uint8Array).length).toBeLessThan(Buffer.byteLength(long) / 2);
    expect(packText("short")).toBe("short");
  });

  test("A text that compression makes larger is stored as it is", () => {
    const random = Array.from({ length: 300 }, (_, n) =>
      String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000)),
    ).join("");
    const stored = packText(random);
    expect(Buffer.byteLength(stored as string)).toBeLessThanOrEqual(Buffer.byteLength(random));
    expect(packedText.parse(stored)).toBe(random);
  });

  test("A text that an earlier version stored is read", () => {
    expect(packedText.parse(long)).toBe(long);
    expect(storedText.parse({ inline: long })).toEqual({ inline: long });
  });

  test("Bytes that are not compressed text are refused", () => {
    expect(packedText.safeParse(Buffer.from("no")).success).toBe(false);
  });

  test("The key of a text in the bucket is stored as it is", () => {
    expect(packStoredText({ key: "k" })).toEqual({ key: "k" });
    expect(storedText.parse(packStoredText({ inline: long }))).toEqual({ inline: long });
  });
});
