import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { staleDocuments } from "../../docs/generate.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";

const documentOf = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");

test.each(Object.keys(settingsSchema.shape))(
  "docs/deploying.md documents the setting %s",
  (name) => {
    expect(documentOf("deploying.md")).toContain(`\`${name}\``);
  },
);

test("docs/contracts is generated from the definitions (run `npm run docs`)", () => {
  expect(staleDocuments()).toEqual([]);
});
