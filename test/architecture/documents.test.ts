import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contractDocuments } from "../../docs/generate.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";

const documentOf = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");

test.each(Object.keys(limits))("docs/limits.md tells of the limit %s", (name) => {
  expect(documentOf("limits.md")).toContain(`\`${name}\``);
});

test.each(Object.keys(settingsSchema.shape))(
  "docs/deploying.md tells of the setting %s",
  (name) => {
    expect(documentOf("deploying.md")).toContain(`\`${name}\``);
  },
);

test.each(Object.entries(contractDocuments()))(
  "docs/contracts/%s is what the definitions say: run `npm run docs`",
  (name, text) => {
    const file = join(import.meta.dirname, "../../docs/contracts", name);
    expect(readFileSync(file, "utf8")).toBe(text);
  },
);
