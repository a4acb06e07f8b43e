import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contractDocuments } from "../../docs/generate.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";

const documentOf = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");

test.each(Object.keys(settingsSchema.shape))(
  "docs/deploying.md documents the setting %s",
  (name) => {
    expect(documentOf("deploying.md")).toContain(`\`${name}\``);
  },
);

test.each(Object.entries(contractDocuments()))(
  "docs/contracts/%s is generated from the definitions (run `npm run docs`)",
  (name, text) => {
    const file = join(import.meta.dirname, "../../docs/contracts", name);
    expect(readFileSync(file, "utf8")).toBe(text);
  },
);
