import { expect, test } from "vitest";
import { missingKinds } from "./exhaustive-kinds.ts";

test("R4 a kind of call that the scenario does not make any more is named", () => {
  const kinds = missingKinds([]);
  expect(kinds).toContain("ingest.PutObjectCommand");
  expect(kinds).toContain("deliver.GetObjectCommand");
  const calls = kinds.map((kind, n) => `${kind}#${n + 1}`);
  expect(missingKinds(calls)).toEqual([]);
  expect(missingKinds(calls.filter((call) => !call.startsWith("submit.PutCommand#")))).toEqual([
    "submit.PutCommand",
  ]);
});
