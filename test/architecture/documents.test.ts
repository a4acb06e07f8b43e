import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contractDocuments } from "../../docs/generate.ts";

test.each(Object.entries(contractDocuments()))(
  "docs/contracts/%s is what the definitions say: run `npm run docs`",
  (name, text) => {
    const file = join(import.meta.dirname, "../../docs/contracts", name);
    expect(readFileSync(file, "utf8")).toBe(text);
  },
);
