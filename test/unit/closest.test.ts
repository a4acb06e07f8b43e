import { describe, expect, test } from "vitest";
import { closest, editsBetween } from "../../shared/core/input/closest.ts";

describe("The letters to change from one text to another", () => {
  test.each([
    ["", "", 0],
    ["same", "same", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["kitten", "sitting", 3],
    ["flaw", "lawn", 2],
    ["ab", "ba", 2],
    ["abc", "ABC", 3],
    ["accountId", "accountIds", 1],
  ])("From %j to %j they are %d", (one, other, edits) => {
    expect(editsBetween(one, other)).toBe(edits);
    expect(editsBetween(other, one)).toBe(edits);
  });

  test("A text is no letter away from itself, whatever its characters", () => {
    const text = "Zo\u00eb \u{1f680}\u{1f680}";
    expect(editsBetween(text, text)).toBe(0);
    expect(editsBetween(text, `${text}!`)).toBe(1);
  });

  test("Two texts are compared up to their 200th letter", () => {
    const long = "a".repeat(200);
    expect(editsBetween(`${long}bbb`, `${long}c`)).toBe(0);
    expect(editsBetween(`${"a".repeat(199)}b`, long)).toBe(1);
  });
});

describe("The known name that was probably meant", () => {
  test.each(["accountId", "account_id", "ACCOUNT-ID", "account.id", "account id", "accountld"])(
    "The name %s is taken for accountId",
    (name) => {
      expect(closest(name, ["action", "accountId", "account"])).toBe("accountId");
    },
  );

  test.each([
    ["abd", "abc"],
    ["abcdxy", "abcdef"],
    ["abcdefxyz", "abcdefghi"],
    ["abcdefghi", "abcdefghijkl"],
    ["abcdefghijkl", "abcdefghi"],
    ["ab", "a-b"],
  ])("A third of the letters of %s may differ from those of %s", (name, known) => {
    expect(closest(name, [known])).toBe(known);
  });

  test.each([
    ["ab", "ac"],
    ["abcde", "abcxy"],
    ["abcdefghijkl", "abcdefghwxyz"],
    ["abcdefghijkl", "abcdefghijklmnop"],
    ["", "a"],
    ["-_. ", "id"],
  ])("The name %j has too many other letters to be taken for %s", (name, known) => {
    expect(closest(name, [known])).toBeUndefined();
  });

  test("Of several names the one with the fewest other letters is taken, else the first", () => {
    expect(closest("requestId", ["requestIds", "requestId"])).toBe("requestId");
    expect(closest("requestId", ["requestId", "requestIds"])).toBe("requestId");
    expect(closest("action", ["actions", "factions", "cation", "auction"])).toBe("actions");
    expect(closest("action", [])).toBeUndefined();
  });

  test("A longer name is compared up to its 200th letter", () => {
    const known = "a".repeat(200);
    expect(closest(`${known}${"z".repeat(9)}`, [known])).toBe(known);
  });
});
