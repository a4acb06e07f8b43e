import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readCommandLine } from "../../cli/ackwire/command-line.ts";
import { commands } from "../../cli/ackwire/commands.ts";
import { parseOptions } from "../../local/run/options.ts";
import { documents, root, textOf } from "../support/tree.ts";

/* Every command that a document names is one that the programs take, with these options. */

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

/** The changelog names commands of earlier versions. */
const pages = documents.filter((path) => path !== "CHANGELOG.md");

/** The command lines of the shell blocks and of the inline code of a document. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = ""]) => block);
  const lines = blocks.flatMap((block) => block.replaceAll(/\\\n */g, "").split("\n"));
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  const inline = [...prose.matchAll(/`((?:npx|npm) [^`]+)`/g)].map(([, code = ""]) => code);
  return [...lines, ...inline]
    .flatMap((line) => line.split(/ && |\||\$\(|\)/))
    .map((line) =>
      line
        .replace(/\s#.*$/, "")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    .map((line) => line.replace(/^([A-Z_]+=\S+ )+/, ""));
}

/** The words of a command line, with values in the place of placeholders such as `cl_…`. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
}

/** `…` alone stands for what the reader adds, and capitals for a command of the reader's choice. */
const isPattern = (line: string) => / …( |$)|\b(COMMAND|X)\b/.test(line);

const named = pages.flatMap((document) =>
  commandsIn(textOf(document)).map((line) => ({ document, line })),
);
const startingWith = (words: string) =>
  named.filter(({ line }) => line.startsWith(words) && !isPattern(line));

const ofAckwire = startingWith("npx ackwire ");
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
  test.each(startingWith("npm run "))("$line ($document)", ({ line }) => {
    const [, , ...words] = wordsOf(line);
    expect(scripts).toHaveProperty([words.find((word) => !word.startsWith("-")) ?? ""]);
  });
});

describe("npm start", () => {
  test.each(startingWith("npm start -- "))("$line ($document)", ({ line }) => {
    const [, , , ...args] = wordsOf(line);
    expect(() => parseOptions(args)).not.toThrow();
  });
});
