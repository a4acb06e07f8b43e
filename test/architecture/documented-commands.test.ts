import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readCommandLine } from "../../cli/ackwire/command-line.ts";
import { commands } from "../../cli/ackwire/commands.ts";
import { parseOptions } from "../../local/run/options.ts";
import { documentedCommands, wordsOf } from "../support/documented-commands.ts";
import { root } from "../support/tree.ts";

/* Every command that a document names is one that the programs take, with these options. */

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

const ofAckwire = documentedCommands("npx ackwire ");
test("The documents name more than 50 commands of ackwire", () => {
  expect(ofAckwire.length).toBeGreaterThan(50);
});

describe("npx ackwire", () => {
  test.each(ofAckwire)("$line ($document)", async ({ line }) => {
    const [, , ...args] = wordsOf(line);
    expect(await readCommandLine(args, commands)).toBeDefined();
  });
});

describe("npm run", () => {
  test.each(documentedCommands("npm run "))("$line ($document)", ({ line }) => {
    const [, , ...words] = wordsOf(line);
    expect(scripts).toHaveProperty([words.find((word) => !word.startsWith("-")) ?? ""]);
  });
});

describe("npm start", () => {
  test.each(documentedCommands("npm start -- "))("$line ($document)", ({ line }) => {
    const [, , , ...args] = wordsOf(line);
    expect(() => parseOptions(args)).not.toThrow();
  });
});
