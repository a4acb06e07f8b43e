import { describe, expect, test } from "vitest";
import { keysIn } from "../../shared/core/providers/correlation.ts";

const members = { person: /^person$/, conversation: /^thread$/ };
const keysOf = (value: object) => keysIn(value, members);

describe("The keys of the people and conversations that a value names", () => {
  test.each([
    "https://www.example.com/in/anna",
    "https://www.example.com/in/anna/",
    "https://www.example.com/in/anna///",
    "https://www.example.com/in/anna/?from=search#top",
    " ANNA ",
    "anna,NAME_SEARCH,x1",
    "%61nna",
  ])("The person %j is anna", (person) => {
    expect(keysOf({ person })).toEqual(keysOf({ person: "anna" }));
  });

  test("The letters of a name count as the same however they are composed", () => {
    expect(keysOf({ person: "Zo\u00eb" })).toEqual(keysOf({ person: "Zoe\u0308" }));
  });

  test.each([
    ["A person of 2,048 characters", 1, { person: "a".repeat(2_048) }],
    ["A person of 2,049 characters", 0, { person: "a".repeat(2_049) }],
    ["A person of a million slashes", 0, { person: `${"/".repeat(1_000_000)}a` }],
    ["A person of a million accents", 0, { person: "\u0301\u0316".repeat(500_000) }],
    ["A conversation of 2,048 characters", 1, { thread: "t".repeat(2_048) }],
    ["A conversation of 2,049 characters", 0, { thread: "t".repeat(2_049) }],
  ])("%s has %d keys", (_, count, value) => {
    expect(keysOf(value)).toHaveLength(count);
  });

  test("A value of slashes alone is a person of its own", () => {
    expect(keysOf({ person: "///" })).toHaveLength(1);
    expect(keysOf({ person: "///" })).not.toEqual(keysOf({ person: "anna" }));
  });
});
