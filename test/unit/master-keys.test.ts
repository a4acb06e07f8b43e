import { describe, expect, test } from "vitest";
import { randomHex } from "../../shared/adapters/random-hex.ts";
import {
  type MasterKeys,
  readMasterKeys,
  seal,
  unseal,
} from "../../shared/core/crypto/master-keys.ts";

const key = (char: string) => char.repeat(64);
const one = readMasterKeys(JSON.stringify({ current: "k1", k1: key("a") }));
const two = readMasterKeys(JSON.stringify({ current: "k2", k1: key("a"), k2: key("b") }));
const sealWith = (masterKeys: MasterKeys, boundTo: string, text: string) =>
  seal({ masterKeys, randomHex }, boundTo, text);

test("a sealed text opens again, also after the master key was rotated", () => {
  const sealed = sealWith(one, "connection#1", "secret ü");
  expect(sealed).not.toContain("secret");
  expect(unseal(one, "connection#1", sealed)).toBe("secret ü");
  expect(unseal(two, "connection#1", sealed)).toBe("secret ü");
  expect(sealWith(two, "connection#1", "x")).toMatch(/^v1\.k2\./);
});

test("sealing the same text twice gives two different values", () => {
  expect(sealWith(one, "c", "x")).not.toBe(sealWith(one, "c", "x"));
});

describe("a sealed text that was moved or changed does not open", () => {
  const sealed = sealWith(one, "connection#1", "secret");
  const [version, id, iv, body, tag] = sealed.split(".");
  const other = readMasterKeys(JSON.stringify({ current: "k1", k1: key("z") }));
  const cases: [string, typeof one, string, string][] = [
    ["in another item", one, "connection#2", sealed],
    ["under another key", other, "connection#1", sealed],
    [
      "with another body",
      one,
      "connection#1",
      [version, id, iv, `${body?.startsWith("A") ? "B" : "A"}${body?.slice(1)}`, tag].join("."),
    ],
    [
      "with a shortened tag",
      one,
      "connection#1",
      [version, id, iv, body, tag?.slice(0, 8)].join("."),
    ],
    [
      "under a key that is not in the master secret",
      one,
      "connection#1",
      [version, "k9", iv, body, tag].join("."),
    ],
    ["with an unknown version", one, "connection#1", ["v2", id, iv, body, tag].join(".")],
    ["when it is empty", one, "connection#1", ""],
  ];
  test.each(cases)("a sealed text does not open %s", (_name, keys, boundTo, text) => {
    expect(() => unseal(keys, boundTo, text)).toThrow();
  });
});

describe("an unusable master secret", () => {
  test.each([
    ["without current", { k1: key("a") }],
    ["whose current names no key", { current: "k2", k1: key("a") }],
    ["with a key that is too short", { current: "k1", k1: "short" }],
    ["that is a list", []],
  ])("a master secret %s is refused", (_name, value) => {
    expect(() => readMasterKeys(JSON.stringify(value))).toThrow(/^The master secret/);
  });

  test("a master secret that is not JSON is refused without quoting it", () => {
    const read = () => readMasterKeys("canary-passphrase");
    expect(read).toThrow("The master secret must be a JSON object");
    try {
      read();
    } catch (error) {
      expect(error).not.toHaveProperty("cause");
    }
  });
});
